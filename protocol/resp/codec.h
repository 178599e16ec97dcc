// Follows Redis (RESP2, RESP3, inline commands) on a connection in constant memory.
//
// Replies answer commands in order; what the server sends unasked (messages of subscriptions, lines
// of MONITOR, RESP3 pushes) is a push. A (un)subscription is answered by one confirmation for each
// channel.
//
// Threading: as the decoder that owns it. Source: redis.io/docs/reference/protocol-spec.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/codec.h"
#include "protocol/line_buffer.h"
#include "protocol/pipeline.h"
#include "protocol/resp/commands.h"
#include "protocol/resp/reply_scanner.h"

namespace reprise::protocol::resp {

class RespCodec final : public Codec {
 public:
  explicit RespCodec(Pipeline& pipeline) : pipeline_(pipeline) {}

  event::Protocol protocol() const override { return event::Protocol::kResp; }
  std::size_t feed(Side side, std::uint64_t offset, ByteSpan bytes) override;
  std::uint64_t skip(Side side, std::uint64_t offset, std::uint64_t count) override;
  void end(Side side, std::uint64_t offset, End how) override;

 private:
  // --- Commands ---------------------------------------------------------------------------------
  enum class State : std::uint8_t { kBetween, kCount, kLength, kContent, kContentEnd, kInline };
  enum class Replies : std::uint8_t { kOn, kSkipNext, kOff };  // CLIENT REPLY

  // A command answered by confirmations.
  struct Subscription {
    std::uint64_t ordinal = 0;
    std::string kind;            // of its confirmations: "subscribe"
    std::uint64_t channels = 0;  // 0: all there are
  };

  void feed_client(std::uint64_t& offset, ByteSpan& bytes);
  bool begin_command(std::uint64_t& offset, ByteSpan& bytes);
  void take_content(std::uint64_t& offset, ByteSpan& bytes);
  void take_line(std::string_view line, std::uint64_t offset);
  void take_count(std::string_view line);
  void take_length(std::string_view line);
  void take_inline(std::string_view line, std::uint64_t offset);
  void finish_argument(std::uint64_t offset);
  void finish_command(std::uint64_t offset);
  Pipeline::Answer expected_answer(std::string_view operation);
  void unreadable_command(std::string why);

  // --- Replies
  // -------------------------------------------------------------------------------------
  void feed_server(std::uint64_t& offset, ByteSpan& bytes);
  bool needs_kind(char first) const;
  bool is_push() const;
  void begin_reply();
  void finish_reply(std::uint64_t offset);
  bool confirm();
  const Subscription* awaited_subscription() const;

  Pipeline& pipeline_;

  State state_ = State::kBetween;
  LineBuffer lines_;
  std::uint64_t command_begin_ = 0;
  std::int64_t arguments_left_ = 0;
  std::uint64_t argument_count_ = 0;
  std::uint64_t remaining_ = 0;  // bytes of the argument
  std::size_t wanted_ = 1;       // arguments that are kept
  std::vector<std::string> arguments_;
  Command command_;
  Replies replies_ = Replies::kOn;
  bool setting_up_ = true;  // only preludes so far

  ReplyScanner reply_;
  bool in_reply_ = false, reply_begun_ = false;
  std::uint64_t reply_begin_ = 0;
  bool resp3_ = false, monitoring_ = false;
  std::deque<Subscription> subscriptions_;  // commands in flight
  std::uint64_t confirmations_left_ = 0;
  std::int64_t channels_ = 0, patterns_ = 0, shards_ = 0;  // subscribed to
};

}  // namespace reprise::protocol::resp
