#include "cli/body_text.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "cli/text.h"
#include "protocol/value/value.h"

namespace reprise::cli {
namespace {

// More of a binary body than its beginning tells a person nothing.
constexpr std::size_t kDumpedBytes = 256;

void print_value(const protocol::Value& value, std::size_t depth, bool in_object,
                 std::string& out) {
  const std::string margin(2 * (depth + 1), ' ');
  if (in_object) out += protocol::quote_json(value.name) + ": ";
  if (!value.is_container()) {
    protocol::Value bare = value;
    bare.name.clear();
    out += protocol::to_json(bare);
    return;
  }
  const bool object = value.kind == protocol::Value::Kind::kObject;
  out += object ? "{" : "[";
  for (std::size_t i = 0; i < value.children.size(); ++i) {
    out += (i == 0 ? "\n" : ",\n") + margin;
    print_value(value.children[i], depth + 1, object, out);
  }
  if (!value.children.empty()) out += "\n" + std::string(2 * depth, ' ');
  out += object ? "}" : "]";
}

// Line by line, so that line ends survive what printable() does to them.
std::string safe_lines(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    std::string shown;
    for (const char c : line) shown += c == '\t' ? std::string("    ") : std::string(1, c);
    out += printable(shown) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace

BodyText body_text(const protocol::Message& message, std::size_t limit) {
  const event::Bytes& body = message.decoded_body;
  BodyText shown;
  if (!is_text(body)) {
    shown.kind = "binary";
    const std::size_t count = std::min(body.size(), limit == 0 ? body.size() : kDumpedBytes);
    shown.text = hex_dump(std::span(body).first(count));
    shown.hidden = body.size() - count;
    return shown;
  }
  const std::string_view text(reinterpret_cast<const char*>(body.data()), body.size());
  shown.kind = "text";
  std::string lines;
  const auto value = text.find_first_of("{[") == 0 || message.content_type.ends_with("json")
                         ? protocol::parse_json(text)
                         : std::nullopt;
  if (value) {
    shown.kind = "JSON";
    std::string pretty;
    print_value(*value, 0, false, pretty);
    lines = safe_lines(pretty);
  } else {
    lines = safe_lines(text);
  }
  if (limit == 0 || lines.size() <= limit) {
    shown.text = std::move(lines);
    return shown;
  }
  // Cut behind a line, or inside one that is longer than the limit.
  const std::size_t line_end = lines.rfind('\n', limit);
  const std::size_t cut = line_end == std::string::npos ? limit : line_end + 1;
  shown.text = lines.substr(0, cut);
  while (!shown.text.empty() &&
         (static_cast<unsigned char>(lines[shown.text.size()]) & 0xc0) == 0x80) {
    shown.text.pop_back();  // the middle of a character
  }
  shown.hidden = lines.size() - shown.text.size();
  if (!shown.text.ends_with('\n')) shown.text += '\n';
  return shown;
}

}  // namespace reprise::cli
