// A library that the program calls, of which the process may hold several copies.
//
// `Library` has all functions of one copy that are wanted; which copy a call is for depends on the
// calling object, as for agent/caller_original.h. What was found is remembered.
//
// Threading: any thread. A copy's functions are complete before it is published.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "agent/link_map.h"

namespace reprise::agent {

// The function `name` of `object`, with the type of the pointer it goes to; null when it has none.
template <typename Function>
void find_in(const link_map& object, const char* name, Function& function) {
  function = reinterpret_cast<Function>(find_function(object, name));
}

// `Library::resolve(const link_map& object)` fills it from the object that defines the function
// `marker`.
template <typename Library>
class CallerLibrary {
 public:
  constexpr explicit CallerLibrary(const char* marker) : marker_(marker) {}

  // The copy that `caller` would have called without the agent; null when there is none.
  [[nodiscard]] const Library* find(const void* caller) {
    for (Caller& known : callers_) {
      const Library* library = known.library.load(std::memory_order_acquire);
      if (library == nullptr) break;
      const CodeRange range{known.begin.load(std::memory_order_relaxed),
                            known.end.load(std::memory_order_relaxed)};
      if (range.holds(caller)) return library;
    }
    return look_up(caller);
  }

 private:
  enum class State : std::uint32_t { kFree, kFilling, kReady };
  struct Copy {
    std::atomic<State> state;
    std::atomic<const link_map*> object;
    Library library;
  };
  struct Caller {
    std::atomic<bool> claimed;
    std::atomic<std::uintptr_t> begin;
    std::atomic<std::uintptr_t> end;
    std::atomic<const Library*> library;
  };

  [[gnu::noinline]] const Library* look_up(const void* caller) {
    const Library* library = copy_of(find_function_for(caller, marker_));
    const link_map* object = object_of(caller);
    if (library != nullptr && object != nullptr) remember(code_range(*object), library);
    return library;
  }

  const Library* copy_of(const void* function) {
    const link_map* object = function == nullptr ? nullptr : object_of(function);
    if (object == nullptr) return nullptr;
    for (Copy& copy : copies_) {
      if (copy.state.load(std::memory_order_acquire) == State::kReady &&
          copy.object.load(std::memory_order_relaxed) == object) {
        return &copy.library;
      }
    }
    // Two threads that come first at once make two, which are equal.
    for (Copy& copy : copies_) {
      State expected = State::kFree;
      if (!copy.state.compare_exchange_strong(expected, State::kFilling)) continue;
      copy.object.store(object, std::memory_order_relaxed);
      copy.library.resolve(*object);
      copy.state.store(State::kReady, std::memory_order_release);
      return &copy.library;
    }
    return nullptr;
  }

  void remember(CodeRange range, const Library* library) {
    for (Caller& caller : callers_) {
      if (caller.claimed.exchange(true, std::memory_order_acquire)) continue;
      caller.begin.store(range.begin, std::memory_order_relaxed);
      caller.end.store(range.end, std::memory_order_relaxed);
      caller.library.store(library, std::memory_order_release);
      return;
    }
  }

  alignas(64) std::array<Caller, 16> callers_{};
  const char* marker_;
  std::array<Copy, 4> copies_{};
};

}  // namespace reprise::agent
