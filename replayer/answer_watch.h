// Follows what the service answers on one driven connection: when a response is whole, and whether
// it is the recorded one.
//
// Responses are compared as they come, against the recorded stream, so that a large one is never
// held; only one that differs is kept, for a closer look. Ownership: borrows the plan. Threading:
// one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

#include "protocol/decoder.h"
#include "replayer/plan.h"

namespace reprise::replayer {

// What came of one response.
struct Answer {
  static constexpr std::uint64_t kKept = 16 * 1024 * 1024;

  std::uint64_t length = 0;
  bool equal = true;   // to the recorded one, as far as it came
  bool whole = false;  // as its protocol has it
  std::string status;  // of one that is whole, as protocol::Transaction has it
  event::Bytes bytes;  // all of it once it differs, but no more than kKept
};

class AnswerWatch : private protocol::TransactionSink {
 public:
  // `transaction` is a place in RecordedConnection::transactions.
  using OnAnswered = std::function<void(std::uint32_t transaction)>;

  // `first`: the transaction that the client begins with, if that is not the first one.
  AnswerWatch(const Plan& plan, const RecordedConnection& recorded, OnAnswered on_answered,
              std::uint32_t first = 0);

  void sent(std::span<const std::uint8_t> bytes);      // by the client
  void received(std::span<const std::uint8_t> bytes);  // from the service
  void client_ended(protocol::End how);
  void service_ended(protocol::End how);

  // Takes out what came of the response of that transaction; empty when nothing did.
  Answer take(std::uint32_t transaction);
  // The same, left where it is; null when nothing did.
  const Answer* look_at(std::uint32_t transaction) const;
  // The last byte received was the last of a response that has an end by itself.
  bool rests() const { return ended_ == received_ + fed_.size(); }

 private:
  void on_request_begin(const protocol::Transaction&) override {}
  void on_request_end(const protocol::Transaction&) override {}
  void on_response_begin(const protocol::Transaction& transaction) override;
  void on_response_end(const protocol::Transaction& transaction) override;
  void on_opaque(event::Protocol, std::string_view, std::uint64_t, std::uint64_t) override {}

  // The recorded transaction it stands for; none for what the service says unasked later on.
  std::optional<std::uint32_t> recorded_place(const protocol::Transaction& transaction) const;
  void account(event::ByteRange range);
  void compare(const RecordedExchange& recorded, Answer& answer,
               std::span<const std::uint8_t> bytes);
  const RecordedExchange* recorded_at(std::uint32_t transaction) const;
  void finish(std::uint32_t transaction);

  const Plan& plan_;
  const RecordedConnection& recorded_;
  OnAnswered on_answered_;
  const std::uint32_t first_;
  std::unique_ptr<protocol::ConnectionDecoder> decoder_;
  std::unordered_map<std::uint32_t, Answer> answers_;
  std::optional<std::uint32_t> answering_;  // whose response is being received
  std::uint64_t received_ = 0;              // bytes before those being fed
  std::uint64_t ended_ = 0;                 // stream offset of the end of a response
  std::uint64_t accounted_ = 0;             // stream offset up to which bytes were compared
  std::span<const std::uint8_t> fed_;       // while feeding
};

}  // namespace reprise::replayer
