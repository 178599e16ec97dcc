#include "agent/world/substitute/modules.h"

#include <atomic>

#include "agent/abi/control.h"
#include "agent/link_map.h"

namespace reprise::agent {
namespace {

// Keys of the objects met so far; number 0 is the program itself. Slots fill in order, once each.
constexpr std::uint32_t kModules = 1024;
constinit std::atomic<std::uint32_t> module_keys[kModules] = {};

// The answers for the call sites seen last: a walk over all objects costs microseconds, and a
// program draws from few places. A word is address << 16 | module number, so it is read and written
// whole.
constexpr std::uint32_t kRemembered = 256;
constinit std::atomic<std::uint64_t> remembered[kRemembered] = {};

std::uint32_t number_of(std::uint32_t key) {
  if (key == 0) return 0;
  for (std::uint32_t number = 1; number < kModules; ++number) {
    std::uint32_t seen = 0;
    if (module_keys[number].compare_exchange_strong(seen, key) || seen == key) return number;
  }
  return kModules;
}

std::uint32_t look_up(const void* address) {
  const link_map* object = object_of(address);
  if (object == nullptr || object == first_object()) return 0;
  const char* path = object->l_name;
  if (path == nullptr || *path == '\0') return 0;
  return abi::module_key(base_name(path));
}

}  // namespace

std::uint32_t caller_module(const void* address) {
  const auto value = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(address));
  std::atomic<std::uint64_t>& slot = remembered[(value >> 2) % kRemembered];
  const std::uint64_t word = slot.load(std::memory_order_acquire);
  if (word >> 16 == value) return module_keys[word & 0xffff].load(std::memory_order_relaxed);
  const std::uint32_t key = look_up(address);
  const std::uint32_t number = number_of(key);
  if (number < kModules) slot.store(value << 16 | number, std::memory_order_release);
  return key;
}

}  // namespace reprise::agent
