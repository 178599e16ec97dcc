// The only file that sees nlohmann/json: its SAX events become Values. The library hands out floats
// with their text and integers of 64 bits exactly, which is all that exactness needs.
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "protocol/value/value.h"

namespace reprise::protocol {
namespace {

// Builds the value from the outside in; open_ holds the containers that are not closed yet.
class ValueBuilder {
 public:
  using Json = nlohmann::json;

  Value take() { return std::move(root_); }

  bool null() { return add(Value::Kind::kNull, ""); }
  bool boolean(bool value) { return add(Value::Kind::kBoolean, value ? "true" : "false"); }
  bool number_integer(Json::number_integer_t value) {
    return add(Value::Kind::kNumber, std::to_string(value));
  }
  bool number_unsigned(Json::number_unsigned_t value) {
    return add(Value::Kind::kNumber, std::to_string(value));
  }
  bool number_float(Json::number_float_t, const std::string& text) {
    return add(Value::Kind::kNumber, text);
  }
  bool string(std::string& value) { return add(Value::Kind::kString, std::move(value)); }
  bool binary(Json::binary_t&) { return false; }
  bool key(std::string& name) {
    name_ = std::move(name);
    return true;
  }
  bool start_object(std::size_t) { return open(Value::Kind::kObject); }
  bool start_array(std::size_t) { return open(Value::Kind::kArray); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool parse_error(std::size_t, const std::string&, const Json::exception&) { return false; }

 private:
  bool open(Value::Kind kind) {
    Value container;
    container.kind = kind;
    container.name = std::exchange(name_, {});
    open_.push_back(std::move(container));
    return open_.size() <= Value::kMaxDepth;
  }

  bool close() {
    Value whole = std::move(open_.back());
    open_.pop_back();
    place(std::move(whole));
    return true;
  }

  bool add(Value::Kind kind, std::string text) {
    Value value;
    value.kind = kind;
    value.name = std::exchange(name_, {});
    value.text = std::move(text);
    place(std::move(value));
    return true;
  }

  void place(Value value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else {
      open_.back().children.push_back(std::move(value));
    }
  }

  std::vector<Value> open_;
  std::string name_;  // of the member that comes next
  Value root_;
};

}  // namespace

std::optional<Value> parse_json(std::string_view text) {
  ValueBuilder builder;
  try {
    if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) {
      return std::nullopt;
    }
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
  return builder.take();
}

}  // namespace reprise::protocol
