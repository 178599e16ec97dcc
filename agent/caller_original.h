// The original of a hooked function that is not the C library's.
//
// A process may hold two OpenSSLs or two C++ runtimes, and opens them RTLD_LOCAL, so the definition
// to forward to depends on who calls. What was found for an object is remembered.
//
// Threading: any thread. An entry is complete once its `function` is set.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "agent/link_map.h"

namespace reprise::agent {

template <typename Function>
class CallerOriginal {
 public:
  constexpr explicit CallerOriginal(const char* name) : name_(name) {}

  // What `caller` would have called without the agent; null when there is no such function.
  [[nodiscard]] Function find(const void* caller) {
    for (Entry& entry : entries_) {
      const auto function = entry.function.load(std::memory_order_acquire);
      if (function == nullptr) break;
      const CodeRange range{entry.begin.load(std::memory_order_relaxed),
                            entry.end.load(std::memory_order_relaxed)};
      if (range.holds(caller)) return function;
    }
    const auto function = reinterpret_cast<Function>(find_function_for(caller, name_));
    if (const link_map* object = object_of(caller); object != nullptr && function != nullptr) {
      remember(code_range(*object), function);
    }
    return function;
  }

 private:
  struct Entry {
    std::atomic<bool> claimed;
    std::atomic<std::uintptr_t> begin;
    std::atomic<std::uintptr_t> end;
    std::atomic<Function> function;
  };

  void remember(CodeRange range, Function function) {
    for (Entry& entry : entries_) {
      if (entry.claimed.exchange(true, std::memory_order_acquire)) continue;
      entry.begin.store(range.begin, std::memory_order_relaxed);
      entry.end.store(range.end, std::memory_order_relaxed);
      entry.function.store(function, std::memory_order_release);
      return;
    }
  }

  const char* name_;
  std::array<Entry, 8> entries_{};
};

}  // namespace reprise::agent
