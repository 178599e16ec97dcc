// What is said on one connection: its bytes through a protocol decoder, as exchanges (on a
// connection the service accepted) or as external calls (on one it opened).
//
// Bytes of each side come in stream order and, but for declared losses, without holes. What the
// service sends is fed when it is announced, not when it was accepted: the next request cannot be
// seen before. Whether it was accepted is told by accepted(); an exchange is complete only then.
//
// After a loss what was open is incomplete, and decoding begins anew where the client speaks again:
// a connection that goes on for days is not given up for one dropped record.
//
// Ownership: owned by its connection; borrows the book. Threading: the collector's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "event/exchange.h"
#include "protocol/decoder.h"
#include "recorder/exchange_book.h"

namespace reprise::recorder {

// The record whose bytes are being fed.
struct Moment {
  event::Stamp enter, exit;
  event::ProcessId process;
  event::Context context;  // of calls that begin now
};

class Conversation : public protocol::TransactionSink {
 public:
  // `known`: what is spoken, kUnknown where the bytes will tell.
  Conversation(ExchangeBook& book, event::ConnectionId connection, event::Protocol known);
  ~Conversation() override = default;
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  // `offset` is the stream offset of the first byte, for the side that speaks.
  void feed(protocol::Side side, std::uint64_t offset, std::span<const std::uint8_t> bytes,
            const Moment& moment);
  // The same for bytes that cannot be shown.
  void skip(protocol::Side side, std::uint64_t offset, std::uint64_t count, const Moment& moment);
  void end(protocol::Side side, protocol::End how, const Moment& moment);
  // Bytes of that side are missing: what is open stays incomplete for `why`.
  void lose(protocol::Side side, const std::string& why);
  // Whether requests may be missing without a hole to see: what answers nothing is then not known
  // to have been said unasked.
  void set_requests_doubtful(bool doubtful) { requests_doubtful_ = doubtful; }

  // What the service sent, requests or responses: bytes below `announced` were handed to the
  // system, it took those below `accepted`.
  void sent(std::uint64_t announced, std::uint64_t accepted, event::Stamp exit);
  // Nothing more comes. What is open stays incomplete for `why`.
  virtual void finish(const std::string& why) = 0;
  // Something that could belong to what is open is missing.
  virtual void spoil(const std::string& why) = 0;

  event::Protocol protocol() const { return protocol_; }
  // For whom work on this connection is done now.
  virtual event::Context current() const = 0;

 protected:
  // announced_, accepted_ or what is whole changed. `exit` is none when no bytes were sent.
  virtual void progress(event::Stamp exit) = 0;
  event::ByteRange shifted(event::ByteRange range, protocol::Side side) const;
  std::uint64_t base(protocol::Side side) const { return base_[static_cast<int>(side)]; }
  std::uint64_t number_of(const protocol::Transaction& transaction);
  bool is_lost() const { return decoder_ == nullptr; }
  // Stream offset behind what was fed of that side, and when that was.
  event::Stamp heard(protocol::Side side) const { return heard_[static_cast<int>(side)]; }
  std::uint64_t end_of(protocol::Side side) const { return next_[static_cast<int>(side)]; }

  ExchangeBook& book_;
  const event::ConnectionId connection_;
  const Moment* moment_ = nullptr;  // while feeding
  std::uint64_t announced_ = 0;
  std::uint64_t accepted_ = 0;
  bool requests_doubtful_ = false;

 private:
  void on_opaque(event::Protocol protocol, std::string_view why, std::uint64_t client_offset,
                 std::uint64_t server_offset) final;
  bool can_read(protocol::Side side, std::uint64_t offset, const Moment& moment);
  void begin_anew(std::uint64_t client_offset);
  void after_feed(protocol::Side side, std::uint64_t end);

  std::unique_ptr<protocol::ConnectionDecoder> decoder_;  // none after a loss
  event::Protocol protocol_ = event::Protocol::kUnknown;
  std::uint64_t base_[2] = {0, 0};  // stream offset of the decoder's first byte, by side
  std::uint64_t next_[2] = {0, 0};  // stream offset that comes next, by side
  event::Stamp heard_[2];           // exit stamp of its last bytes, by side
  protocol::Side last_speaker_ = protocol::Side::kServer;
  std::uint64_t number_base_ = 0;  // transactions before the decoder was made anew
  std::uint64_t last_number_ = 0;
  bool on_trial_ = false;  // made anew after a loss, and nothing was read yet
  bool failed_trial_ = false;
};

// The ordinal, on its connection, of the nth exchange there, from 1. Not set: n.
using Ordinals = std::function<std::uint64_t(std::uint64_t nth)>;

// On a connection that the service accepted: requests come in.
class InboundConversation final : public Conversation {
 public:
  InboundConversation(ExchangeBook& book, event::ConnectionId connection, Ordinals ordinals)
      : Conversation(book, connection, event::Protocol::kUnknown), ordinals_(std::move(ordinals)) {}
  void finish(const std::string& why) override;
  void spoil(const std::string& why) override;
  event::Context current() const override;
  // The last complete exchange, when no newer one has begun and the sink does not have it yet.
  void tell_last();

 private:
  void on_request_begin(const protocol::Transaction& transaction) override;
  void on_request_end(const protocol::Transaction& transaction) override;
  void on_response_begin(const protocol::Transaction& transaction) override;
  void on_response_end(const protocol::Transaction& transaction) override;
  void progress(event::Stamp exit) override;

  OpenExchange& begin(const protocol::Transaction& transaction);
  OpenExchange* find(const protocol::Transaction& transaction);
  bool was_announced(const OpenExchange& open) const;
  void drop_last();

  const Ordinals ordinals_;
  std::uint64_t begun_ = 0;          // exchanges, those in which the service spoke unasked included
  std::vector<OpenExchange*> open_;  // in the order of requests
  OpenExchange* last_ = nullptr;     // complete, and nothing newer has begun
};

// On a connection that the service opened: requests go out.
class OutboundConversation final : public Conversation {
 public:
  // `peer` is what calls say they went to.
  OutboundConversation(ExchangeBook& book, event::ConnectionId connection, std::string peer,
                       event::Protocol known);
  void finish(const std::string& why) override;
  void spoil(const std::string& why) override;
  // Of the oldest call that waits for an answer; else of the last one.
  event::Context current() const override;
  // The call whose request has begun and is not whole, nullptr when there is none.
  const OpenCall* unfinished_request() const;
  bool has_called() const { return has_called_; }
  bool is_waiting() const { return !open_.empty(); }

  // Whose response bytes came since start_reading(): none (a push without a call), one or several.
  // `otherwise` is for whom a message is that answers nothing.
  void start_reading(event::Context otherwise);
  event::Context read_context() const { return read_context_; }
  bool read_several() const { return read_several_; }

 private:
  void on_request_begin(const protocol::Transaction& transaction) override;
  void on_request_end(const protocol::Transaction& transaction) override;
  void on_response_begin(const protocol::Transaction& transaction) override;
  void on_response_end(const protocol::Transaction& transaction) override;
  void progress(event::Stamp exit) override;

  OpenCall& begin(const protocol::Transaction& transaction, event::Context context);
  OpenCall* find(const protocol::Transaction& transaction);
  void describe(OpenCall& open, const protocol::Transaction& transaction);
  void note_read(event::Context context);

  const std::string peer_;
  std::vector<OpenCall*> open_;  // in the order of requests
  event::Context last_context_;
  event::Context read_context_;
  bool read_any_ = false;
  bool read_several_ = false;
  bool has_called_ = false;
};

}  // namespace reprise::recorder
