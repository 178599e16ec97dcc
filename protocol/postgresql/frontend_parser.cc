#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "protocol/postgresql/fields.h"
#include "protocol/postgresql/messages.h"
#include "protocol/postgresql/parser.h"
#include "protocol/postgresql/startup.h"
#include "protocol/postgresql/statement.h"
#include "protocol/postgresql/values.h"

namespace reprise::protocol::postgresql {
namespace {

class RequestParser {
 public:
  explicit RequestParser(std::string_view target) { message_.target = target; }

  bool take(const WholeMessage& part) {
    Fields fields(part.body);
    switch (part.type) {
      case '\0':
        take_startup(fields, part.body.size());
        break;
      case 'Q':
        take_text(fields.text());
        break;
      case 'P':
        take_parse(fields);
        break;
      case 'B':
        take_bind(fields);
        break;
      case 'D':
      case 'C':
        fields.byte();
        fields.text();
        if (message_.method.empty()) message_.method = part.type == 'D' ? "DESCRIBE" : "CLOSE";
        break;
      case 'E':
        take_execute(fields);
        break;
      case 'F':
        take_function(fields);
        break;
      case 'p':
        message_.method = "AUTH";
        say_secret(part.body.size());
        break;
      case 'S':
      case 'H':
        if (message_.method.empty()) message_.method = "SYNC";
        break;
      case 'd':
        say(part.body);
        break;
      case 'c':
        message_.method = "COPY DATA";
        break;
      case 'f':
        message_.method = "COPY DATA";
        message_.headers.emplace_back("failed", value_text(fields.text(), 0, kTextFormat));
        break;
      default:
        return false;
    }
    return fields.ok();
  }

  Message finish(std::span<const std::uint8_t> bytes) {
    message_.protocol = event::Protocol::kPostgres;
    message_.version = "3.0";
    message_.body.assign(bytes.begin(), bytes.end());
    if (message_.method.empty()) message_.method = "COPY DATA";  // that were cut off
    return std::move(message_);
  }

 private:
  void say(std::string_view text) {
    message_.decoded_body.insert(message_.decoded_body.end(), text.begin(), text.end());
  }

  void say_secret(std::size_t size) {
    message_.is_secret = true;
    say("(" + std::to_string(size) + " bytes that prove who the client is)");
  }

  void take_text(std::string_view text) {
    Statement statement = describe_statement(
        text.substr(0, kMaxText), text.size() > kMaxText ? hash_text(text.substr(kMaxText)) : 0);
    message_.method = statement.method;
    if (message_.target.empty()) message_.target = statement.target;
    say(text);
  }

  void take_parse(Fields& fields) {
    fields.text();  // its name
    take_text(fields.text());
    message_.method = "PARSE";
    const std::uint16_t count = fields.u16();
    for (std::uint16_t i = 0; i < count && fields.ok(); ++i) {
      const std::uint32_t type = fields.u32();
      if (type != 0) message_.headers.emplace_back(parameter(i), type_name(type));
    }
  }

  static std::string parameter(std::size_t index) { return "$" + std::to_string(index + 1); }

  // Formats of `count` values: none all are text, one it is that of all (section 55.7, Bind).
  static std::uint16_t format_of(const std::vector<std::uint16_t>& formats, std::size_t index) {
    if (formats.empty()) return kTextFormat;
    return formats.size() == 1 ? formats[0] : index < formats.size() ? formats[index] : kTextFormat;
  }

  static std::vector<std::uint16_t> take_formats(Fields& fields) {
    std::vector<std::uint16_t> formats;
    const std::uint16_t count = fields.u16();
    for (std::uint16_t i = 0; i < count && fields.ok(); ++i) formats.push_back(fields.u16());
    return formats;
  }

  void take_values(Fields& fields) {
    const std::vector<std::uint16_t> formats = take_formats(fields);
    const std::uint16_t count = fields.u16();
    for (std::uint16_t i = 0; i < count && fields.ok(); ++i) {
      const auto value = fields.value();
      if (!fields.ok()) break;
      message_.headers.emplace_back(parameter(i), value_text(value, 0, format_of(formats, i)));
    }
  }

  void take_bind(Fields& fields) {
    fields.text();  // the portal
    fields.text();  // the statement
    message_.method = "BIND";
    take_values(fields);
    const std::vector<std::uint16_t> results = take_formats(fields);
    if (std::ranges::any_of(results, [](std::uint16_t format) { return format != kTextFormat; })) {
      std::string formats;
      for (const std::uint16_t format : results) {
        formats +=
            std::string(formats.empty() ? "" : ", ") + (format == kTextFormat ? "text" : "binary");
      }
      message_.headers.emplace_back("results", formats);
    }
    say(message_.target);
  }

  void take_execute(Fields& fields) {
    fields.text();  // the portal
    const bool bound = message_.method == "BIND";
    message_.method =
        message_.target.empty() ? "EXECUTE" : describe_statement(message_.target).method;
    if (!bound) say(message_.target);
    if (const std::uint32_t rows = fields.u32(); rows != 0) {
      message_.headers.emplace_back("rows", "at most " + std::to_string(rows));
    }
  }

  void take_function(Fields& fields) {
    message_.method = "FUNCTION";
    message_.headers.emplace_back("function", std::to_string(fields.u32()));
    take_values(fields);
    if (fields.u16() != kTextFormat) message_.headers.emplace_back("results", "binary");
  }

  void take_startup(Fields& fields, std::size_t size) {
    const auto kind = startup_kind(static_cast<std::uint32_t>(size + 4), fields.u32());
    if (!kind) {
      message_.method = "STARTUP";
      fields.bytes(SIZE_MAX);
    } else if (*kind == StartupKind::kStartup) {
      message_.method = "STARTUP";
      while (fields.ok() && fields.rest().size() > 1) {
        const std::string_view name = fields.text();
        message_.headers.emplace_back(name, fields.text());
      }
    } else {
      message_.method = *kind == StartupKind::kCancel ? "CANCEL"
                        : *kind == StartupKind::kSsl  ? "SSLREQUEST"
                                                      : "GSSENCREQUEST";
      if (*kind == StartupKind::kCancel) say_secret(fields.rest().size());
    }
  }

  Message message_;
};

}  // namespace

std::optional<Message> parse_request(std::span<const std::uint8_t> bytes, std::string_view target) {
  Messages messages({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  RequestParser parser(target);
  bool any = false;
  while (const auto part = messages.next()) {
    if (!part->whole || !parser.take(*part)) return std::nullopt;
    any = true;
  }
  if (!any || !messages.rest().empty()) return std::nullopt;
  return parser.finish(bytes);
}

}  // namespace reprise::protocol::postgresql
