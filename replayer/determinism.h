// How alike several replays of one recording were: `reprise replay --repeat N`. Plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "event/ids.h"

namespace reprise::replayer {

// What one of two runs did where they differ first.
struct RunFact {
  std::uint64_t run = 0;  // from 1
  std::string fact;       // "sent to the client (4 bytes, `done`)", "nothing"
  std::string code;       // "checkout+0x12ab, in handle() at checkout.cc:12"; "": not known
};

// The first event in which a run differs from the first run.
struct FirstDifference {
  event::ExchangeId exchange;  // of the recording; none: outside of those that were recorded
  std::string context;         // "exchange 2 of connection 7", as the recording numbers them
  std::string which;           // "fact 12", "log line 3", "arrival 2"
  RunFact one, other;
};

struct Determinism {
  std::uint64_t runs = 1;
  std::uint64_t identical = 1;           // to the first run, which is counted too
  std::vector<std::uint64_t> differing;  // the other runs, in order
  // What differs in any of them: exchanges of the recording, and what belongs to none of those.
  std::set<event::ExchangeId> exchanges;
  bool elsewhere = false;
  std::optional<FirstDifference> first_difference;

  bool holds() const { return identical == runs; }
};

}  // namespace reprise::replayer
