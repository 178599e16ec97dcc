// The tape's key (abi::module_key) of the loaded object that a code address of the service lies in.
//
// Draws are addressed by the object that made them, so that one more clock read inside a library
// does not shift the program's own. event/modules.h gives names that outlast a library's version;
// the agent knows an object by the base name of its path, version included. Fed with the events of
// one archive in its order, or of a live replay. Thread-compatible.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>

#include "event/event.h"

namespace reprise::replayer {

class ModuleKeys {
 public:
  // ProcessStarted and ModuleLoaded count, all else is ignored.
  void on_event(const event::Event& event);

  // abi::module_key of the object that `address` lies in; 0 for the program itself and for code
  // that is in no known object.
  std::uint32_t key(event::ProcessId process, std::uint64_t address) const;

 private:
  struct Range {
    std::uint64_t end = 0;
    std::uint32_t key = 0;
  };
  struct Image {
    std::string executable;
    std::map<std::uint64_t, Range> ranges;  // by first address
  };

  std::unordered_map<event::ProcessId, Image> images_;
};

}  // namespace reprise::replayer
