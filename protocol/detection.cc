#include "protocol/detection.h"

#include <algorithm>
#include <array>

#include "protocol/annotated/syntax.h"
#include "protocol/http1/syntax.h"
#include "protocol/postgresql/startup.h"
#include "protocol/resp/commands.h"

namespace reprise::protocol {
namespace {

using event::Protocol;

Detection undecided() { return {}; }
Detection opaque(std::string why) { return {Protocol::kOpaque, std::move(why)}; }

// "*3\r\n": the head of a Redis command. A method token may begin with "*", but none does.
Detection detect_array(std::string_view text) {
  constexpr std::size_t kMaxCount = 11;  // "*2147483647"
  const std::size_t digits = std::min(text.find_first_not_of("0123456789", 1), text.size());
  if (digits > kMaxCount) {
    return opaque("not a known protocol");
  }
  if (digits == text.size()) {
    return undecided();
  }
  if (digits > 1 && (text[digits] == '\r' || text[digits] == '\n')) {
    return {Protocol::kResp, ""};
  }
  return opaque("not a known protocol");
}

// RFC 8446 section 5.1: type 22, legacy version 3.x.
Detection detect_tls(std::string_view text) {
  constexpr std::string_view kStart("\x16\x03", 2);
  if (text.size() < 3) {
    return kStart.starts_with(text.substr(0, 2)) ? undecided() : opaque("binary");
  }
  return text.starts_with(kStart) && text[2] <= 4 ? opaque("tls") : opaque("binary");
}

bool is_control(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r') || c == '\x7f';
}

// memcached's commands; its clients write them in lower case.
bool is_memcached(std::string_view word) {
  static constexpr std::array<std::string_view, 10> kShared = {
      "get", "set", "append", "touch", "decr", "incr", "quit", "gets", "add", "replace"};
  return std::find(kShared.begin(), kShared.end(), word) != kShared.end();
}

Detection detect_line(std::string_view line) {
  if (http1::parse_request_line(line)) {
    return {Protocol::kHttp1, ""};
  }
  if (annotated::parse_request_head(line)) {
    return {Protocol::kAnnotated, ""};
  }
  if (line == "PRI * HTTP/2.0") {
    return opaque("http/2");
  }
  line = http1::trim(line);
  const std::size_t blank = std::min(line.find_first_of(" \t"), line.size());
  const std::string_view word = line.substr(0, blank);
  const std::string_view argument = http1::trim(line.substr(blank));
  // "GET /path" is HTTP/0.9, which has no message format.
  if (resp::is_command(word) && !is_memcached(word) && !argument.starts_with('/')) {
    return {Protocol::kResp, ""};
  }
  return opaque("not a known protocol");
}

}  // namespace

Detection detect_from_client(std::string_view first) {
  const std::string_view text =
      first.substr(std::min(first.find_first_not_of("\r\n"), first.size()));
  if (text.empty()) {
    return first.size() > kMaxDetectionBytes ? opaque("empty lines") : undecided();
  }
  if (text.front() == '*') {
    return detect_array(text);
  }
  if (text.front() == '\x16') {
    return detect_tls(text);
  }
  if (text.front() == '\0') {
    const auto postgres = postgresql::is_startup(first);
    if (!postgres) return undecided();
    return *postgres ? Detection{Protocol::kPostgres, ""} : opaque("not a known protocol");
  }
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  const std::size_t word = std::min(line.find_first_of(" \t\r"), line.size());
  if (!http1::is_token(line.substr(0, word)) || std::any_of(line.begin(), line.end(), is_control)) {
    return opaque("not a known protocol");
  }
  if (end > kMaxDetectionBytes) {
    return opaque("the first line is longer than 64 KiB");
  }
  if (end == text.size()) {
    return undecided();
  }
  return detect_line(line.ends_with('\r') ? line.substr(0, end - 1) : line);
}

Detection detect_from_server(std::string_view first) {
  constexpr std::string_view kHttp = "HTTP/1.";
  if (first.starts_with(kHttp)) {
    return {Protocol::kHttp1, ""};
  }
  return kHttp.starts_with(first) ? undecided() : opaque("the server spoke first");
}

}  // namespace reprise::protocol
