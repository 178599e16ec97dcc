// What the responder owes the service: pieces of recorded streams, each with the moment it is due.
#pragma once

#include <cstdint>
#include <vector>

#include "replayer/plan.h"

namespace reprise::replayer {

struct Output {
  enum class Kind : std::uint8_t {
    kBytes,
    kEof,
    kReset,
    kTruncated,  // of TLS: the end of the network stream alone
    kPassedOn,   // what the real peer answers
  };
  Kind kind = Kind::kBytes;
  event::ConnectionId source;        // recorded connection
  event::ByteRange bytes;            // of what the recorded service read from it
  std::uint32_t chunk = 0;           // in Inputs::chunks, that `bytes` lie in
  std::uint32_t entry = abi::kNone;  // tape entry of an end
  event::Context context;            // whose input it is, in this replay
  Moment recorded;                   // when the recorded service had it
  bool in_context = true;            // it was recorded in `context`, too
  Moment due;                        // virtual time
  event::Bytes request;              // that is passed on
  bool in_reply = false;             // an end that is told when the service has ended its side
  bool idle = false;                 // ends a connection at rest: void when that is used again
};

// When what is owed is due: as long after the request as it was recorded, or, where a schedule
// keeps recorded moments, at its own, or at once, but for the end of a connection at rest.
struct Pace {
  Moment seen;  // the virtual time at which the whole request was there: nothing is due before
  bool as_recorded = false;
  bool at_once = false;
};

// The answer to `call`, without its first `skip` bytes, as it followed the request: its chunks,
// what the peer sent unasked before the next call of that connection, and the end of the connection
// where nothing else came.
[[nodiscard]] std::vector<Output> cut_answer(const Plan& plan, const RecordedCall& call,
                                             std::uint64_t skip, const Pace& pace,
                                             const event::Context& context);

// What the peer of a recorded connection sent before any call: greetings, or nothing but its end.
[[nodiscard]] std::vector<Output> cut_greeting(const Plan& plan,
                                               const RecordedConnection& connection,
                                               const Pace& pace, const event::Context& context);

}  // namespace reprise::replayer
