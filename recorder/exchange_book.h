// The exchanges and calls that are open, their numbers, and what is counted in them.
//
// An exchange is open from its request's first byte until a newer one begins on its connection
// (work after the response still belongs to it) and its calls are over. Then it goes to the sink
// and, a little later, its place is used again: memory follows what is open, not what was recorded.
// What is done for it in between (a call after the response, while the client already asks again)
// is still counted, and it is told once more.
//
// Ownership: owns the open ones, borrows the sink. Threading: the collector's thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "event/exchange.h"
#include "recorder/call_ordinals.h"
#include "recorder/flat_index.h"
#include "recorder/sink.h"

namespace reprise::recorder {

struct OpenExchange {
  event::Exchange exchange;
  std::uint64_t number = 0;  // of the transaction on its connection, among requests or pushes
  bool push = false;         // the service spoke unasked: there is no request
  bool request_whole = false;
  bool worked_for = false;      // something was asked of others for it
  bool response_whole = false;  // decoded to its end; whether it was accepted is another matter
  bool answered = false;        // all of the response was handed to the system
  bool counted = false;         // among the unanswered ones
  bool retired = false;         // its connection does not refer to it any more
  bool told = false;            // the sink has it as it is now
  std::uint32_t open_calls = 0;
  CallOrdinals ordinals;
};

struct OpenCall {
  event::Call call;
  std::uint64_t number = 0;  // of the transaction on its connection
  bool push = false;         // the peer spoke unasked
  bool request_whole = false;
  bool response_whole = false;
  bool spoiled = false;  // something of it may be missing
  bool holds = false;    // its exchange is not over before it is
};

struct BookCounts {
  std::uint64_t exchanges = 0;
  std::uint64_t calls = 0;
  std::uint64_t unattributed = 0;  // calls and draws
};

class ExchangeBook {
 public:
  explicit ExchangeBook(Sink& sink) : sink_(sink) {}

  // The next number. The reference holds until retire().
  OpenExchange& begin_exchange();
  // Marks it incomplete; the first reason stays.
  void spoil(OpenExchange& open, const std::string& why);
  // It is complete.
  void note_answer(OpenExchange& open);
  // Its connection is done with it.
  void retire(OpenExchange& open);
  // Gives the sink what it does not have yet; the exchange stays open.
  void tell(OpenExchange& open);
  // The open exchange of that number, nullptr when it is over.
  OpenExchange* find(event::ExchangeId id);

  OpenCall& begin_call(event::Context context);
  // Its address is known: peer, protocol and operation are set.
  void number_call(OpenCall& open);
  void end_call(OpenCall& open);

  void count_draw(event::Context context);

  // The recording is over: tells what was not told yet.
  void finish();

  const BookCounts& counts() const { return counts_; }
  // Exchanges that were begun and are neither complete nor given up.
  std::uint64_t unanswered() const { return unanswered_; }
  std::size_t places() const { return exchanges_.size(); }

 private:
  void let_go(OpenCall& open);

  Sink& sink_;
  BookCounts counts_;
  std::uint64_t unanswered_ = 0;
  std::vector<std::unique_ptr<OpenExchange>> exchanges_;  // all places
  std::deque<std::uint32_t> retired_;                     // places to be used again, oldest first
  FlatIndex by_id_;
  std::vector<std::unique_ptr<OpenCall>> calls_;
  std::vector<OpenCall*> free_calls_;
  CallOrdinals background_, unattributed_;
};

}  // namespace reprise::recorder
