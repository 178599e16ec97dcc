// Finds the messages in one direction of a connection, whatever pieces it comes in, and keeps the
// beginning of each one's body (PostgreSQL documentation, section 55.1 "Overview"):
//
//   Byte1 type | Int32 length, itself included, the type not | body
//
// A packet of the start-up (startup.h) has no type, and its code is taken for part of the body.
// Constant memory. Threading: as the decoder that owns it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/codec.h"

namespace reprise::protocol::postgresql {

class Framer {
 public:
  // kBegun: the first byte is known, and kHead: the length; nothing of the body was taken.
  enum class Progress : std::uint8_t { kMore, kBegun, kHead, kDone };

  // Takes bytes off the front of `bytes` until something is known. Call it again until kMore.
  [[nodiscard]] Progress take(ByteSpan& bytes);
  // After kHead: how many bytes of the body are kept, and whether what follows them is hashed.
  void keep(std::size_t count, bool hash_rest = false) {
    kept_limit_ = count;
    hash_rest_ = hash_rest;
  }
  // Passes over at most `count` bytes of a body; returns how many.
  [[nodiscard]] std::uint64_t pass(std::uint64_t count);

  // --- About the message -------------------------------------------------------------------------
  bool between() const { return state_ == State::kBetween; }
  bool in_body() const { return state_ == State::kBody; }
  char type() const { return type_; }               // '\0': a packet of the start-up
  std::uint32_t length() const { return length_; }  // as sent
  bool length_is_possible() const { return length_ >= 4 && length_ <= kMaxLength; }
  // Its beginning, valid until the next message begins.
  std::string_view body() const { return kept_; }
  // Of what follows body() when that was asked for; 0 when that is all.
  std::uint64_t rest_hash() const { return rest_ == kNoRest ? 0 : rest_; }

 private:
  // No server takes a longer message (src/include/utils/memutils.h, MaxAllocSize).
  static constexpr std::uint32_t kMaxLength = 0x3fffffff;
  static constexpr std::uint64_t kNoRest = 0xcbf29ce484222325;
  enum class State : std::uint8_t { kBetween, kLength, kHead, kBody };

  void begin(char first);
  void take_body(ByteSpan& bytes);

  State state_ = State::kBetween;
  char type_ = 0;
  std::uint8_t length_bytes_ = 0;
  std::uint32_t length_ = 0;
  std::uint64_t remaining_ = 0;  // of the body
  std::size_t kept_limit_ = 0;
  bool hash_rest_ = false;
  std::string kept_;
  std::uint64_t rest_ = kNoRest;
};

}  // namespace reprise::protocol::postgresql
