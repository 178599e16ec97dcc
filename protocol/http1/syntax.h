// The grammar of HTTP/1 messages, line by line: shared by the streaming reader (reader.h) and the
// whole-message parser (parser.h), so that the two never disagree about where a body ends.
//
// Lines come without their end (CRLF or bare LF). Lenient where servers and clients in practice
// are: a missing reason, blanks around names, obsolete line folding. Pure functions; views into the
// input. Source: RFC 9112 sections 2 to 7.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reprise::protocol::http1 {

struct RequestLine {
  std::string_view method, target, version;
};
// "GET /a HTTP/1.1"; HTTP/1.x only. The target may contain blanks, as some clients send them.
[[nodiscard]] std::optional<RequestLine> parse_request_line(std::string_view line);

struct StatusLine {
  std::string_view version, status, reason;
};
// "HTTP/1.1 200 OK", "HTTP/1.1 200 ", "HTTP/1.1 200".
[[nodiscard]] std::optional<StatusLine> parse_status_line(std::string_view line);

struct Field {
  std::string_view name, value;  // without the blanks around them
};
// A line without a colon is a name with an empty value.
[[nodiscard]] Field split_field(std::string_view line);

// Whether the line continues the field before it (obs-fold, RFC 9112 section 5.2).
[[nodiscard]] bool is_folded(std::string_view line);

// Size of a chunk from its line; extensions are passed over. None when it is not one.
[[nodiscard]] std::optional<std::uint64_t> parse_chunk_size(std::string_view line);

[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);
[[nodiscard]] std::string_view trim(std::string_view text);
[[nodiscard]] bool is_token(std::string_view text);

// "GET" + "/stock?id=1" or "http://host/stock?id=1" -> "GET /stock".
[[nodiscard]] std::string operation_name(std::string_view method, std::string_view target);

// Where a body ends, and what comes after it.
struct Framing {
  enum class Kind : std::uint8_t {
    kNone,    // no body
    kLength,  // `length` bytes
    kChunked,
    kUntilClose,
    kTunnel,      // no body, and what follows is another protocol (CONNECT, 101)
    kUnreadable,  // contradictory or malformed; `why` says how
  };
  Kind kind = Kind::kNone;
  std::uint64_t length = 0;
  const char* why = "";
};

// Collects the fields that decide about framing.
class FramingFields {
 public:
  // A line of a head that is not empty: a field, or what continues the one before. Nearly all say
  // nothing about framing, and their first letter tells.
  void take(std::string_view line) {
    switch (line.front()) {
      case 'C':
      case 'c':
      case 'T':
      case 't':
      case ' ':
      case '\t':
        take_likely(line);
        return;
      default:
        latest_ = nullptr;
    }
  }
  void clear();

  [[nodiscard]] Framing of_request() const;
  // `request_method` is "" when it is not known.
  [[nodiscard]] Framing of_response(std::string_view status, std::string_view request_method) const;

 private:
  void take_likely(std::string_view line);
  void fold(std::string_view continuation);
  void append(std::string& list, std::string_view value);
  bool ends_in_chunked() const;
  Framing by_length(Framing::Kind without) const;

  std::string content_lengths_, transfer_codings_;  // joined by ","
  std::string* latest_ = nullptr;                   // what a folded line belongs to
  bool has_length_ = false, has_coding_ = false, excessive_ = false;
};

}  // namespace reprise::protocol::http1
