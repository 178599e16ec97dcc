// Follows what the service answers on one connection, like AnswerWatch, and more cheaply where that
// is what was recorded, byte for byte, time and again.
//
// What an HTTP/1 decoder says of a response depends on its bytes and its request alone. So a
// response that is the recorded one need not be decoded to know where it ends, once a decoder has
// said of the same bytes that they are whole: that is noted for later passes. Any other response is
// decoded, and with it what it came together with. Of other protocols everything is.
//
// Ownership: borrows the plan and the notes. Threading: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "protocol/decoder.h"
#include "replayer/answer_watch.h"
#include "replayer/plan.h"

namespace reprise::replayer {

// Of a recorded connection.
struct AnswerNotes {
  AnswerNotes() = default;
  AnswerNotes(const Plan& plan, const RecordedConnection& recorded);

  // Everything on it is HTTP/1, and driven from the beginning on.
  bool usable = false;
  // By RecordedConnection::transactions: the bytes of a response that was found to be whole with
  // the last of them, where they lie in one piece.
  std::vector<std::optional<std::span<const std::uint8_t>>> whole;
};

class Answers {
 public:
  Answers(const Plan& plan, const RecordedConnection& recorded, AnswerNotes& notes,
          AnswerWatch::OnAnswered on_answered);

  // By the client: the recorded bytes from `offset` of its stream on.
  void sent(std::uint64_t offset, std::span<const std::uint8_t> bytes);
  void received(std::span<const std::uint8_t> bytes);  // from the service
  void client_ended(protocol::End how);
  void service_ended(protocol::End how);

  // What came of the response of that transaction; of one that was decoded it is taken out.
  Answer take(std::uint32_t transaction);

  // Whether what comes next is decoded whatever it is.
  bool decodes() const { return decodes_; }

 private:
  const RecordedExchange& exchange(std::uint32_t transaction) const;
  const std::optional<std::span<const std::uint8_t>>& expected() const;
  bool follow(std::span<const std::uint8_t> bytes);
  void decode();
  void on_decoded(std::uint32_t transaction);
  // Every request that was sent is answered: what comes depends on nothing that came.
  void rest_if_answered();

  const Plan& plan_;
  const RecordedConnection& recorded_;
  AnswerNotes& notes_;
  const AnswerWatch::OnAnswered on_answered_;
  std::optional<AnswerWatch> watch_;
  bool stale_ = false;  // the watch did not see what came last
  bool decodes_ = false;
  bool receiving_ = false;
  std::uint64_t sent_ = 0;      // offset in the client's recorded stream
  std::uint64_t unseen_ = 0;    // where what the watch may still have to see of it begins
  std::uint64_t followed_ = 0;  // bytes of the current response that were as recorded
  std::uint32_t answered_ = 0;  // transactions, in order
};

}  // namespace reprise::replayer
