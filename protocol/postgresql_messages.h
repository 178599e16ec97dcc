// Test support: PostgreSQL's messages, built from what they say (PostgreSQL documentation, section
// 55.7 "Message Formats").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::protocol::pg {

using Value = std::optional<std::string>;  // none: NULL

inline std::string i16(std::uint16_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}
inline std::string i32(std::uint32_t value) {
  return i16(static_cast<std::uint16_t>(value >> 16)) +
         i16(static_cast<std::uint16_t>(value & 0xffff));
}
inline std::string z(std::string_view text) { return std::string(text) + '\0'; }
inline std::string message(char type, std::string_view body = "") {
  return type + i32(static_cast<std::uint32_t>(body.size() + 4)) + std::string(body);
}
inline std::string values(const std::vector<Value>& all) {
  std::string text = i16(static_cast<std::uint16_t>(all.size()));
  for (const Value& value : all) {
    text += value ? i32(static_cast<std::uint32_t>(value->size())) + *value : i32(UINT32_MAX);
  }
  return text;
}

// --- The client's ------------------------------------------------------------------------------
inline std::string packet(std::uint32_t code, std::string_view rest = "") {
  return i32(static_cast<std::uint32_t>(rest.size() + 8)) + i32(code) + std::string(rest);
}
inline std::string startup() {
  return packet(196608, z("user") + z("ann") + z("database") + z("shop") + '\0');
}
inline std::string ssl_request() { return packet(80877103); }
inline std::string query(std::string_view text) { return message('Q', z(text)); }
inline std::string parse(std::string_view name, std::string_view text) {
  return message('P', z(name) + z(text) + i16(0));
}
// Parameters and results as text.
inline std::string bind(std::string_view portal, std::string_view statement,
                        const std::vector<Value>& parameters = {}) {
  return message('B', z(portal) + z(statement) + i16(0) + values(parameters) + i16(0));
}
inline std::string describe_portal(std::string_view name = "") {
  return message('D', "P" + z(name));
}
inline std::string describe_statement(std::string_view name) { return message('D', "S" + z(name)); }
inline std::string execute(std::string_view portal = "", std::uint32_t rows = 0) {
  return message('E', z(portal) + i32(rows));
}
inline std::string close_statement(std::string_view name) { return message('C', "S" + z(name)); }
inline std::string sync() { return message('S'); }
inline std::string flush() { return message('H'); }
inline std::string copy_data(std::string_view data) { return message('d', data); }
inline std::string copy_done() { return message('c'); }
inline std::string terminate() { return message('X'); }

// --- The server's ------------------------------------------------------------------------------
inline std::string ready(char state = 'I') { return message('Z', std::string(1, state)); }
inline std::string complete(std::string_view tag) { return message('C', z(tag)); }
inline std::string error(std::string_view state, std::string_view text = "no") {
  return message('E', "S" + z("ERROR") + "C" + z(state) + "M" + z(text) + '\0');
}
inline std::string notice(std::string_view text) {
  return message('N', "S" + z("NOTICE") + "C" + z("00000") + "M" + z(text) + '\0');
}
inline std::string notification(std::string_view channel, std::string_view payload) {
  return message('A', i32(77) + z(channel) + z(payload));
}
inline std::string authentication(std::uint32_t kind, std::string_view rest = "") {
  return message('R', i32(kind) + std::string(rest));
}
inline std::string parameter_status(std::string_view name, std::string_view value) {
  return message('S', z(name) + z(value));
}
inline std::string key_data() { return message('K', i32(4711) + i32(42)); }
inline std::string parse_complete() { return message('1'); }
inline std::string bind_complete() { return message('2'); }
inline std::string close_complete() { return message('3'); }
inline std::string no_data() { return message('n'); }
inline std::string parameters(const std::vector<std::uint32_t>& types) {
  std::string text = i16(static_cast<std::uint16_t>(types.size()));
  for (const std::uint32_t type : types) text += i32(type);
  return message('t', text);
}
struct Column {
  std::string name;
  std::uint32_t type = 25;  // text
  std::uint16_t format = 0;
};
inline std::string columns(const std::vector<Column>& all) {
  std::string text = i16(static_cast<std::uint16_t>(all.size()));
  for (const Column& c : all) {
    text +=
        z(c.name) + i32(0) + i16(0) + i32(c.type) + i16(0xffff) + i32(UINT32_MAX) + i16(c.format);
  }
  return message('T', text);
}
inline std::string row(const std::vector<Value>& all) { return message('D', values(all)); }
inline std::string copy_in() { return message('G', std::string(1, '\0') + i16(1) + i16(0)); }
inline std::string copy_out() { return message('H', std::string(1, '\0') + i16(1) + i16(0)); }

// What a server says when it trusts its client.
inline std::string welcome() {
  return authentication(0) + parameter_status("TimeZone", "UTC") + key_data() + ready();
}

}  // namespace reprise::protocol::pg
