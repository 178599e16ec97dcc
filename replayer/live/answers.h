// Follows what the service answers on one connection, like AnswerWatch, and more cheaply where that
// is what was recorded, byte for byte, time and again.
//
// What a decoder says of bytes depends on them alone. So of a connection on which everything was as
// recorded so far, nothing need be decoded to know that a response is whole, once a decoder has
// said so of the same bytes before: that is noted for later passes. With the first byte that
// differs, and with any response of which that is not noted, the connection is decoded, beginning
// with what had passed.
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

// Of a recorded connection, by RecordedConnection::transactions.
struct AnswerNotes {
  AnswerNotes() = default;
  AnswerNotes(const Plan& plan, const RecordedConnection& recorded);

  struct Note {
    bool whole = false;  // a decoder found the recorded response to be whole with its last byte
    std::optional<std::span<const std::uint8_t>> bytes;  // of it, where they lie in one piece
  };
  std::vector<Note> of;
  // Both streams are driven from their beginnings on, and every response has bytes to be known by.
  bool usable = false;
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

  // Whether the connection is decoded by now.
  bool decodes() const { return watch_.has_value(); }

  // What came of the response of that transaction; of one that is decoded it is taken out.
  Answer take(std::uint32_t transaction);

 private:
  struct Passed {
    protocol::Side side;
    std::uint64_t bytes;
  };

  const RecordedExchange& exchange(std::uint32_t transaction) const;
  // Whether `bytes` are what was recorded next.
  bool is_recorded(std::span<const std::uint8_t> bytes) const;
  bool follow(std::span<const std::uint8_t> bytes);
  void pass(protocol::Side side, std::uint64_t bytes);
  void decode();
  void on_decoded(std::uint32_t transaction);
  bool owes() const { return watch_ || answered_ < notes_.of.size(); }

  const Plan& plan_;
  const RecordedConnection& recorded_;
  AnswerNotes& notes_;
  const AnswerWatch::OnAnswered on_answered_;
  std::optional<AnswerWatch> watch_;  // none: all was as recorded, and known to be whole
  std::vector<Passed> passed_;        // before the watch
  bool as_recorded_;                  // all so far
  bool catching_up_ = false;          // the watch is told what had passed
  bool receiving_ = false;
  std::uint64_t sent_ = 0, received_ = 0;
  std::uint32_t answered_ = 0;  // transactions whose responses are whole, without the watch
};

}  // namespace reprise::replayer
