// Plays the clients: opens the recorded inbound connections again, sends what they sent, and knows
// which of their requests are not answered yet.
//
// A unit is released as a run of steps: open the connection, chunk after chunk, end. The first
// steps go together; each later one waits until the service has read what came before and is due as
// long after it as it was recorded.
//
// Ownership: borrows the stage and the io_context. Threading: one thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "agent/abi/control.h"
#include "replayer/clients.h"
#include "replayer/driven_connection.h"
#include "replayer/listeners.h"
#include "replayer/stage.h"

namespace reprise::replayer {

// An exchange that was driven and is over, as far as the client can tell.
struct DrivenExchange {
  const RecordedExchange* recorded = nullptr;
  Answer answer;
  std::string problem;  // why there is no answer, "" when there is one or none was recorded
};

class Driver final : public Clients {
 public:
  Driver(boost::asio::io_context& io, Stage& stage);

  // --- What the agent asks ---
  abi::AnswerListen listen(const abi::AskListen& ask, const std::string& process) override {
    return listeners_.listen(ask, process);
  }
  abi::AnswerAccept accept(const abi::AskAccept& ask) override;
  std::optional<abi::SocketAddress> listening_at(const event::Address& address) const override {
    return listeners_.at(address);
  }
  std::optional<abi::AnswerPassed> passed(abi::Cookie socket) const override;

  // Addresses on which the service listens and the recorded one did not, "" for none.
  std::string unrecorded_listeners() const { return listeners_.unrecorded(); }

  // --- What the schedule releases ---
  // The service listens where this unit's connection is to be opened, or needs not.
  bool ready_for(const Unit& unit) const;
  // Starts the run of a unit with a connection. `stop_at`: the exchange before which to stop.
  // `limit`: the earliest deadline of a thread.
  void release(const Unit& unit, Moment limit, std::optional<event::ExchangeId> stop_at);
  // When the next step of a run is due; none when there is none, or the service has to read first.
  std::optional<Moment> next_due() const;
  // The recorded threads that had the first input of `unit`, and that of the next step; none for
  // an end.
  event::ThreadId reader_of(const Unit& unit) const;
  event::ThreadId next_reader() const;
  // Takes the step that next_due() told.
  void step(Moment limit);

  // --- What the collector saw ---
  void on_event(const event::Event& event);

  bool unread() const;
  // Something that was released may not have reached the service's kernel.
  bool undelivered() const;
  // The service sent something that did not arrive yet.
  bool in_flight() const;
  event::ExchangeId recorded_exchange(event::ConnectionId id, std::uint64_t ordinal) const override;
  // Exchanges that are driven and not answered, in the order of release.
  std::vector<event::ExchangeId> outstanding() const;
  // Of those the recording has an answer to, the one it had answered first; those are left out
  // whose wait has expired.
  const RecordedExchange* answered_next() const;
  void expire(event::ExchangeId exchange) { expired_.insert(exchange); }
  struct Expected {
    Moment recorded_end;    // when the recording had answered the last of them
    Moment end;             // the same in virtual time
    bool answered = false;  // the recording has an answer to one of them at least
  };
  // Of what is outstanding; none when nothing is.
  std::optional<Expected> expected() const;
  // The service will not answer what is outstanding: settles it with `problem`.
  void give_up(const std::string& problem);
  // Exchanges that are over since the last call.
  std::vector<DrivenExchange> take_finished();
  // Settles what ended connections can no longer answer, and forgets those closed on both sides.
  void sweep();
  void close_all();

 private:
  struct Run {
    const Unit* unit = nullptr;
    std::shared_ptr<DrivenConnection> connection;
    std::uint32_t next_chunk = 0;  // of unit->chunks
    bool ended = false;
    Moment last_recorded;                   // of the step before
    Moment last_taken;                      // virtual
    std::vector<std::uint32_t> unanswered;  // transactions
    std::uint32_t flags = 0;                // of the first mark
  };
  using Connections = std::unordered_map<event::ConnectionId, std::shared_ptr<DrivenConnection>>;

  // `flags` (abi::MarkFlags) go with the accept.
  std::shared_ptr<DrivenConnection> open(const RecordedConnection& recorded, const Unit& unit,
                                         std::uint32_t flags);
  void fail(Run& run, const std::string& problem);
  Moment moment_of_next_step(const Run& run) const;
  Moment due_of_next_step(const Run& run) const;
  const Run* next_run() const;
  static bool has_next_step(const Run& run);
  bool may_step(const Run& run) const;
  void take_step(Run& run, Moment limit);
  event::Context context_of(const Unit& unit) const;
  void on_answered(event::ConnectionId recorded, std::uint32_t transaction);
  void finish(Run& run, std::uint32_t transaction, std::string problem);
  // Settles what a run has unanswered; with `problem` where the recording has an answer.
  void finish_unanswered(Run& run, const std::string& problem);

  boost::asio::io_context& io_;
  Stage& stage_;
  Listeners listeners_;
  Connections by_recorded_, by_id_;
  // What a connection of this replay stands for, also after it was closed.
  std::unordered_map<event::ConnectionId, event::ConnectionId> origins_;
  std::unordered_map<std::string, std::shared_ptr<DrivenConnection>>
      by_address_;        // not accepted yet
  std::deque<Run> runs_;  // in the order of release
  std::vector<DrivenExchange> finished_;
  std::unordered_set<event::ExchangeId> expired_;
};

}  // namespace reprise::replayer
