#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "protocol/postgresql/fields.h"
#include "protocol/postgresql/messages.h"
#include "protocol/postgresql/parser.h"
#include "protocol/postgresql/values.h"

namespace reprise::protocol::postgresql {
namespace {

class ResponseParser {
 public:
  void take(const WholeMessage& part) {
    Fields fields(part.body);
    switch (part.type) {
      case 'T':
        take_columns(fields);
        break;
      case 'D':
        take_row(fields);
        break;
      case 'C':
        message_.status = fields.text();
        line(message_.status);
        columns_.clear();
        break;
      case 'E':
      case 'N':
        take_report(part.type == 'E', fields);
        break;
      case 'A':
        take_notification(fields);
        break;
      case 'S': {
        const std::string_view name = fields.text();
        line("parameter " + std::string(name) + " = " + value_text(fields.text(), 0, kTextFormat));
        break;
      }
      case 'V':
        line(value_text(fields.value(), 0, kTextFormat));
        break;
      case 'd':
        say(part.body);
        break;
      case 'I':
        outcome("empty", "(no statement)");
        break;
      case 's':
        outcome("suspended", "(more rows follow)");
        break;
      case 'G':
        outcome("COPY IN", "(waits for data)");
        break;
      case 't':
        take_types(fields);
        break;
      case 'Z':
        take_state(static_cast<char>(fields.byte()));
        break;
      case 'R':
        take_authentication(fields.u32());
        break;
      case 'K':  // the key for cancelling
        message_.is_secret = true;
        break;
      default:  // completions without content
        break;
    }
  }

  Message finish(std::span<const std::uint8_t> bytes) {
    message_.protocol = event::Protocol::kPostgres;
    message_.version = "3.0";
    message_.body.assign(bytes.begin(), bytes.end());
    if (message_.status.empty()) message_.status = "OK";
    return std::move(message_);
  }

 private:
  struct Column {
    std::uint32_t type = 0;
    std::uint16_t format = kTextFormat;
  };

  void say(std::string_view text) {
    message_.decoded_body.insert(message_.decoded_body.end(), text.begin(), text.end());
  }
  void line(std::string_view text) {
    say(text);
    say("\n");
  }
  void outcome(std::string_view status, std::string_view text) {
    message_.status = status;
    line(text);
  }

  void take_columns(Fields& fields) {
    columns_.clear();
    std::string names;
    const std::uint16_t count = fields.u16();
    for (std::uint16_t i = 0; i < count && fields.ok(); ++i) {
      const std::string name(fields.text());
      fields.bytes(6);  // table, column
      const std::uint32_t type = fields.u32();
      fields.bytes(6);  // size, modifier
      const std::uint16_t format = fields.u16();
      if (!fields.ok()) break;
      columns_.push_back({type, format});
      names += (i == 0 ? "" : " | ") + name;
    }
    line(names);
  }

  void take_row(Fields& fields) {
    std::string row;
    const std::uint16_t count = fields.u16();
    for (std::uint16_t i = 0; i < count && fields.ok(); ++i) {
      const auto value = fields.value();
      if (!fields.ok()) break;
      // A statement that was described before has no columns here.
      const Column column = i < columns_.size() ? columns_[i] : guess(value);
      row += (i == 0 ? "" : " | ") + value_text(value, column.type, column.format);
    }
    line(row);
  }

  static Column guess(std::optional<std::string_view> value) {
    const bool control = value && std::ranges::any_of(*value, [](unsigned char c) {
                           return c < 0x20 && c != '\n' && c != '\t' && c != '\r';
                         });
    return {0, control ? kBinaryFormat : kTextFormat};
  }

  void take_report(bool is_error, Fields& fields) {
    std::string severity, state, text, more;
    while (const std::uint8_t field = fields.byte()) {
      const std::string value(fields.text());
      if (field == 'S') severity = value;
      if (field == 'C') state = value;
      if (field == 'M') text = value;
      if (field == 'D') more += "detail: " + value + "\n";
      if (field == 'H') more += "hint: " + value + "\n";
      if (field == 'n') more += "constraint: " + value + "\n";
    }
    if (is_error) {
      message_.status = state.empty() ? "ERROR" : state;
      message_.reason = text;
    }
    line(severity + " " + state + ": " + text);
    say(more);
  }

  void take_notification(Fields& fields) {
    fields.u32();  // the process that notified
    const std::string channel(fields.text());
    message_.status = "NOTIFY " + channel;
    line("notification " + channel + ": " + value_text(fields.text(), 0, kTextFormat));
  }

  void take_types(Fields& fields) {
    std::string types;
    const std::uint16_t count = fields.u16();
    for (std::uint16_t i = 0; i < count && fields.ok(); ++i) {
      types += (i == 0 ? "" : ", ") + type_name(fields.u32());
    }
    line("parameters: " + types);
  }

  void take_state(char state) {
    const std::string_view text = state == 'T'   ? "in transaction"
                                  : state == 'E' ? "failed transaction"
                                                 : "idle";
    if (message_.status.empty()) message_.status = text;
    if (state != 'I') line("(" + std::string(text) + ")");
  }

  void take_authentication(std::uint32_t kind) {
    if (kind != 0) message_.is_secret = true;
    if (kind != 0 && kind != 12) line("(authentication goes on: " + std::to_string(kind) + ")");
  }

  Message message_;
  std::vector<Column> columns_;
};

}  // namespace

std::optional<Message> parse_response(std::span<const std::uint8_t> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  ResponseParser parser;
  if (text == "N" || text == "S" || text == "G") {
    Message answer = parser.finish(bytes);
    answer.status = text;
    answer.decoded_body = answer.body;
    return answer;
  }
  Messages messages(text);
  bool any = false;
  while (const auto part = messages.next()) {
    if (part->type == '\0' || !part->whole) return std::nullopt;
    parser.take(*part);
    any = true;
  }
  if (!any || !messages.rest().empty()) return std::nullopt;
  return parser.finish(bytes);
}

std::optional<std::uint64_t> acceptance_in(std::span<const std::uint8_t> response) {
  const std::string_view text(reinterpret_cast<const char*>(response.data()), response.size());
  Messages messages(text);
  std::size_t begin = 0;
  while (const auto part = messages.next()) {
    Fields fields(part->body);
    if (part->type == 'R' && fields.u32() == 0 && fields.ok()) return begin;
    begin = text.size() - messages.rest().size();
  }
  return std::nullopt;
}

char ready_state(std::span<const std::uint8_t> response) {
  constexpr std::string_view kHead("Z\0\0\0\x05", 5);
  const std::string_view text(reinterpret_cast<const char*>(response.data()), response.size());
  if (text.size() <= kHead.size()) return '\0';
  return text.substr(text.size() - kHead.size() - 1, kHead.size()) == kHead ? text.back() : '\0';
}

}  // namespace reprise::protocol::postgresql
