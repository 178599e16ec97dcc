// Which object of a process an address lies in, and where in it.
//
// A draw's source includes the module that made it: one more clock read inside libcurl must not
// shift the program's own. Filled from ModuleLoaded events; addresses differ from run to run, names
// do not.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "event/event.h"

namespace reprise::event {

// A place in a program's code that is the same in every run.
struct CodePlace {
  std::string module;        // path of the program or library
  std::uint64_t offset = 0;  // as the file is linked: what addr2line(1) takes

  friend auto operator<=>(const CodePlace&, const CodePlace&) = default;
};

class Modules {
 public:
  // Takes in ProcessStarted, ProcessForked and ModuleLoaded; other events do nothing.
  void add(const Event& event);

  // "" for the program itself and for its language's runtime, else the base name of the library
  // without its version
  // ("libcurl.so"); "?" for an address in none of them.
  std::string_view name_of(ProcessId process, std::uint64_t address) const;
  // None for an address in no object.
  std::optional<CodePlace> place_of(ProcessId process, std::uint64_t address) const;

 private:
  struct Range {
    std::uint64_t end = 0;
    std::string name;
    std::string path;
    std::uint64_t bias = 0;
  };
  using Ranges = std::map<std::uint64_t, Range>;  // by begin

  struct Process {
    std::string executable;
    Ranges ranges;
  };
  const Range* find(ProcessId process, std::uint64_t address) const;

  std::map<ProcessId, Process> processes_;
};

}  // namespace reprise::event
