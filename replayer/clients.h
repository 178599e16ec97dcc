// The recorded clients of the service, as what answers the service's questions needs them. Who they
// are and when they speak is the business of what implements this: driver.h where the service rests
// between inputs, live/entrance.h where it does not.
//
// Threading: the thread that collects.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/abi/control.h"
#include "event/event.h"
#include "event/ids.h"

namespace reprise::replayer {

class Clients {
 public:
  virtual ~Clients() = default;

  // --- What the agent asks ---
  // `process`: the fork path of who listens.
  virtual abi::AnswerListen listen(const abi::AskListen& ask, const std::string& process) = 0;
  virtual abi::AnswerAccept accept(const abi::AskAccept& ask) = 0;
  // What a listener or connection is that another process of the service got; none of ours:
  // nothing.
  virtual std::optional<abi::AnswerPassed> passed(abi::Cookie socket) const = 0;
  // Where the service really listens for what was recorded as `address`; none when it does not.
  virtual std::optional<abi::SocketAddress> listening_at(const event::Address& address) const = 0;

  // The recorded exchange that the one with that ordinal on a connection of this replay stands for;
  // none when it is not driven.
  virtual event::ExchangeId recorded_exchange(event::ConnectionId id,
                                              std::uint64_t ordinal) const = 0;
};

}  // namespace reprise::replayer
