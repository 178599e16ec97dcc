// The requests of one connection that were begun and are not yet done with, oldest first: pairs
// responses with requests in order and tells the sink. Codecs say where messages begin and end.
//
// Memory: one entry for each request in flight, at most kMaxInFlight; codecs ask full() before they
// begin one more. One that was done with is kept for the next request, so that requests that come
// one after another allocate nothing. Threading: as the decoder that owns it.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>

#include "protocol/decoder.h"

namespace reprise::protocol {

class Pipeline {
 public:
  // Whether anything will answer a request (Redis: CLIENT REPLY OFF).
  enum class Answer : std::uint8_t { kExpected, kNever };

  static constexpr std::size_t kMaxInFlight = std::size_t{1} << 17;

  // `sink` outlives the pipeline.
  explicit Pipeline(TransactionSink& sink) : sink_(sink) {}

  // --- Requests: at most one is open, and it is the newest ---------------------------------------
  bool full() const { return entries_.size() >= kMaxInFlight; }
  bool request_open() const { return !entries_.empty() && !entries_.back().request_done; }
  void begin_request(event::Protocol protocol, std::uint64_t offset);
  // Precondition: request_open(). For the codec to fill in method, operation and target.
  Transaction& open_request();
  void end_request(std::uint64_t offset, Answer answer = Answer::kExpected);

  // --- Responses: at most one is open; it belongs to the oldest request, or is a push
  // -------------
  bool response_open() const { return push_.has_value() || responding_; }
  // The request that the next response answers; null when there is none and it would be a push.
  const Transaction* next_to_answer() const;
  // Begins the response to next_to_answer(), or a push when nothing waits for an answer.
  void begin_response(event::Protocol protocol, std::uint64_t offset);
  void begin_push(event::Protocol protocol, std::uint64_t offset);
  // Precondition: response_open(). For the codec to fill in the status.
  Transaction& open_response();
  // The oldest request is given up: it gets an empty response. Precondition: it is whole, and
  // next_to_answer().
  void leave_unanswered();
  void end_response(std::uint64_t offset);

  // --- Leaving the protocol -------------------------------------------------------------------
  // The open request, and all that follow, are opaque turns.
  void turn_opaque();
  // Whether the next response belongs to an opaque turn, and so is not the codec's to read.
  bool next_answer_is_opaque() const;

 private:
  struct Entry {
    Transaction transaction;
    bool request_done = false;
    bool response_done = false;
    bool unanswered = false;
  };
  Transaction& add_entry();
  void remove_oldest();
  void retire();

  TransactionSink& sink_;
  std::list<Entry> entries_;
  std::list<Entry> spare_;  // at most one
  std::optional<Transaction> push_;
  bool responding_ = false;  // the response of entries_.front() is open
  std::uint64_t requests_ = 0, pushes_ = 0;
  std::uint64_t server_offset_ = 0;           // where the latest response began or ended
  std::optional<std::uint64_t> opaque_from_;  // ordinal
};

}  // namespace reprise::protocol
