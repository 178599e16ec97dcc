// The canonical projection: what of a recording must be the same in every run for two runs to count
// as the same. `replay --repeat` compares by it; "same" elsewhere means this too.
//
// It is a sequence of facts for each context, and the order in which exchanges arrived. It leaves
// out what legitimately differs from run to run: stamps, process ids, ports, descriptors, addresses
// of code, what the service says to itself, waits, reads and sends that would have blocked, how
// byte streams and log lines were cut into calls, and how often clocks were read by what waits and
// wakes: reads of monotonic clocks, inside libraries, and by threads that idle (event/idling.h).
// What stays is what a peer, a reader of the log or a caller could tell apart, and every other
// draw.
//
// Plain data in, plain data out; no I/O.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "event/event.h"
#include "event/exchange.h"
#include "event/modules.h"

namespace reprise::event {

// Names a context so that the same one has the same name in another archive of the same service.
struct ContextKey {
  Context::Kind kind = Context::Kind::kBackground;
  std::uint64_t connection = 0;  // of an exchange: as the recording numbers it
  std::uint64_t ordinal = 0;     // of an exchange: on that connection; 0: of no single one there
  std::string process;           // else: fork path…
  std::uint32_t thread = 0;      // …and creation ordinal; threads have no order among themselves

  friend auto operator<=>(const ContextKey&, const ContextKey&) = default;
  // "exchange 2 of connection 7", "connection 7", "background of thread 3 of process 0.1"
  std::string name() const;
};

struct CanonicalFact {
  std::string what;        // "received from the client", "clock realtime", "sent to payments:8443"
  std::string value;       // what was drawn, decided or answered
  std::uint64_t size = 0;  // of bytes, all of them…
  std::uint64_t hash = 0;  // …FNV-1a of them…
  std::string excerpt;     // …and how they begin, printable

  // Not compared, for people:
  std::uint64_t at = 0;     // number of the event in its archive
  std::uint32_t place = 0;  // index in Projection::places of the code that made it; 0: not known
  Bytes bytes;              // of the context that is looked into, else none

  bool same(const CanonicalFact& other) const;
  std::string text() const;
};

struct Projection {
  using Sequences = std::map<ContextKey, std::vector<CanonicalFact>>;
  Sequences facts;
  // Apart, since lines are written when a buffer is full, wherever the context is by then.
  Sequences log;
  std::vector<ContextKey> arrivals;  // exchanges in the order of their first bytes
  std::vector<CodePlace> places;     // the first is none
};

// Makes the projection of one archive.
class Projector {
 public:
  // `whole`: the context of which all bytes are kept, to tell where they differ.
  explicit Projector(std::optional<ContextKey> whole = std::nullopt);
  ~Projector();

  // All connections first, then all exchanges, then events in the order of the archive: all of
  // them, or those of one context.
  void add(const Connection& connection);
  void add(const Exchange& exchange);
  void add(const Event& event);

  // What was fed. Call once.
  [[nodiscard]] Projection finish();

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace reprise::event
