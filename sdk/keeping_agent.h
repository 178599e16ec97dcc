// An agent for tests of the SDK: linked into the test, it keeps the outcomes of calls by their names
// and arguments, and gives them back. Threading: one thread.
#pragma once

#include <map>
#include <string>

namespace reprise {

struct KeepingAgent {
  enum class Mode { kAside, kRecord, kReplay };
  struct Kept {
    bool threw = false;
    std::string bytes;
  };

  Mode mode = Mode::kAside;
  std::map<std::string, Kept> kept;
  std::string current;  // the call that began last
  int ends = 0;         // that were told
};

KeepingAgent& keeping_agent();

}  // namespace reprise
