// Where the clients of a replay in real time come in, as they see it.
//
// Threading: the clients' thread.
#pragma once

#include <optional>
#include <string>

#include "agent/abi/control.h"
#include "replayer/control.h"
#include "replayer/plan.h"

namespace reprise::replayer {

class Entrance {
 public:
  virtual ~Entrance() = default;

  // Where that connection is to be opened; none while the service does not listen there.
  virtual std::optional<abi::SocketAddress> target(const RecordedConnection& connection) const = 0;
  // A client's socket that is bound to `address` is about to connect there. What is read on it is
  // told by the link; none where nobody asks. `shift`: of its monotonic clocks.
  virtual LinkId enter(const RecordedConnection& connection, const std::string& address,
                       nanoseconds shift) = 0;
  // An exchange is about to be sent, whose monotonic clocks are shifted so.
  virtual void begin(const RecordedExchange& exchange, nanoseconds shift) = 0;
  // What is sent next is that tape entry. False when the link has no room; `consumed`: bytes that
  // the service has read for sure.
  virtual bool mark(LinkId link, const abi::Mark& mark, std::uint64_t consumed) = 0;
  // The client closed its end.
  virtual void leave(const std::string& address, LinkId link) = 0;
};

}  // namespace reprise::replayer
