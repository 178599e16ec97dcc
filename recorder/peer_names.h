// Under which name the service knows an address: the name it last looked up to get it.
//
// An address that was looked up together with its port is told from another service's on the same
// host. Names are kept by process, since processes resolve for themselves. Bounded: the oldest
// names give way. Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <unordered_map>

#include "event/event.h"

namespace reprise::recorder {

class PeerNames {
 public:
  explicit PeerNames(std::size_t most = 4096) : most_(most) {}

  void learn(event::ProcessId process, const event::LookedUp& lookup);
  // "" when the service used the address itself.
  std::string name_of(event::ProcessId process, std::span<const std::uint8_t> sockaddr) const;

 private:
  void put(std::string key, const std::string& name);

  std::size_t most_;
  std::unordered_map<std::string, std::string> names_;
  std::deque<std::string> order_;  // keys, oldest first
};

}  // namespace reprise::recorder
