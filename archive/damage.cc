#include "archive/damage.h"

#include <utility>

namespace reprise::archive {
namespace {

// A file made of nothing but tiny broken blocks must not fill the memory with their descriptions.
constexpr std::size_t kMaxEntries = 10'000;

}  // namespace

void DamageList::add(std::uint64_t offset, std::uint64_t bytes, std::string what) {
  if (damage_.size() > kMaxEntries) {
    damage_.back().bytes += bytes;
    return;
  }
  if (!told_.emplace(offset, what).second) return;
  if (damage_.size() == kMaxEntries) what = "more damage from here on, not listed one by one";
  damage_.push_back({offset, bytes, std::move(what)});
}

}  // namespace reprise::archive
