// What the service listens on, and what the recording had in its place.
//
// Ownership: borrows the stage. Threading: one thread at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "agent/abi/control.h"
#include "replayer/stage.h"

namespace reprise::replayer {

struct Listening {
  const RecordedListener* recorded = nullptr;  // null: nobody listened there
  abi::Cookie socket = 0;
  std::string asked;  // address
  abi::SocketAddress actual;
  abi::SocketAddress told;  // as what the service knows it
  LinkId link;
  std::uint64_t opened = 0;  // connections led to it
};

class Listeners {
 public:
  explicit Listeners(Stage& stage) : stage_(stage) {}

  // `process`: the fork path of who listens.
  abi::AnswerListen listen(const abi::AskListen& ask, const std::string& process);
  // Where the service really listens for what was recorded as `address`; none when it does not.
  std::optional<abi::SocketAddress> at(const event::Address& address) const;
  // What stands for that recorded listener; null as long as nothing does.
  Listening* standing_for(event::ConnectionId listener);
  const Listening* standing_for(event::ConnectionId listener) const;
  // What that listener is to the service, whichever of its processes has it; none when it is none.
  std::optional<abi::AnswerPassed> passed(abi::Cookie socket) const;
  // Addresses on which the service listens and the recorded one did not, "" for none.
  std::string unrecorded() const;

  // A connection is about to come in: the accept that gives it out is `opening`.
  void announce(Listening& listening, const abi::Mark& opening);

 private:
  const RecordedListener* recorded_for(const abi::AskListen& ask, const std::string& process);

  Stage& stage_;
  std::deque<Listening> listening_;
};

}  // namespace reprise::replayer
