// Scans one Redis reply (RESP2 or RESP3) in constant memory: finds its end and keeps what pairs it
// with a command and names its outcome.
//
// Source: redis.io/docs/reference/protocol-spec, and the RESP3 specification for attributes and
// streamed strings and aggregates.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/codec.h"
#include "protocol/line_buffer.h"

namespace reprise::protocol::resp {

class ReplyScanner {
 public:
  enum class Progress : std::uint8_t { kMore, kDone, kUnreadable };

  // Deeper nesting is not read; Redis itself stays below ten.
  static constexpr std::size_t kMaxDepth = 128;

  // Ready for the next reply.
  void reset();
  // Takes bytes off the front of `bytes`, at most up to the end of the reply.
  [[nodiscard]] Progress scan(ByteSpan& bytes);
  // Passes over at most `count` bytes of a string's content; returns how many.
  [[nodiscard]] std::uint64_t skip(std::uint64_t count);
  const std::string& why() const { return why_; }

  // --- About the reply, attributes left out ------------------------------------------------------
  char type() const { return type_; }  // '+', '*', '>'…; 0 while not known
  // Whether first_element() is what it will be.
  bool kind_known() const { return type_ != 0 && (!aggregate_ || first_seen_); }
  // Of an array or push: its first element when that is a string, at most kMaxKept bytes.
  const std::string& first_element() const { return first_element_; }
  // Of an array or push: the latest integer among its elements.
  std::int64_t last_integer() const { return last_integer_; }
  // A simple string's text, "nil", an error's code, else "OK". Known when the reply is done.
  std::string status() const;

 private:
  static constexpr std::size_t kMaxKept = 64;
  static constexpr std::int64_t kStreamed = -1;  // elements until "."

  enum class State : std::uint8_t { kHead, kContent, kContentEnd };
  struct Level {
    std::int64_t remaining = 0;
    bool attribute = false;  // belongs to the value behind it, and is none itself
  };

  bool scan_head(ByteSpan& bytes);
  bool scan_content_end(ByteSpan& bytes);
  bool take_head(std::string_view line);
  bool take_string(char type, std::string_view length);
  bool take_aggregate(char type, std::string_view count);
  bool take_chunk(std::string_view length);
  void take_scalar(char type, std::string_view text);
  void complete_value();
  void keep(std::string_view content);
  bool fail(const char* why);
  bool at_first_element() const {
    return levels_.size() == 1 && !levels_[0].attribute && !first_seen_;
  }

  State state_ = State::kHead;
  LineBuffer lines_;
  std::vector<Level> levels_;
  std::uint64_t remaining_ = 0;  // bytes of string content
  bool streaming_ = false;       // inside "$?", whose chunks are ";n"
  bool keeping_ = false;         // the content is the first element or a blob error
  bool done_ = false;

  char type_ = 0;
  bool aggregate_ = false, first_seen_ = false, null_ = false;
  std::string text_;  // of a top-level simple string or error
  std::string first_element_;
  std::int64_t last_integer_ = 0;
  std::string why_;
};

}  // namespace reprise::protocol::resp
