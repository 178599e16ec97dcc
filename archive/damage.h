// What is wrong with an archive, as it is found. Each place is told once, and no more than a bound.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "archive/format.h"

namespace reprise::archive {

class DamageList {
 public:
  void add(std::uint64_t offset, std::uint64_t bytes, std::string what);
  const std::vector<Damage>& all() const { return damage_; }

 private:
  std::vector<Damage> damage_;
  std::set<std::pair<std::uint64_t, std::string>> told_;
};

}  // namespace reprise::archive
