// For whom a thread works, where the agent cannot see it: a queue between threads.
//
//   pool.post(reprise::carry([order] { ship(order); }));
//
// or, where the work is data and no function, with the context in it:
//
//   queue.push({order, reprise::Context::current()});     // on one thread
//   reprise::Scope scope(job.context);                    // on another, for as long as it works on it
//
// Why not by itself: an agent sees that one thread woke another, but not what was in the queue. With
// two jobs under way it would have to guess which of them was taken.
//
// A context is taken once; whoever takes it a second time works for nobody known. Without the agent
// each of these is one branch. Threading: any thread.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include "agent/abi/sdk.h"

namespace reprise {

class Context {
 public:
  Context() = default;

  // What this thread works on now.
  static Context current() {
    Context context;
    if (__builtin_expect(reprise_context_give != nullptr, 0)) {
      context.token_ = reprise_context_give();
    }
    return context;
  }

 private:
  friend class Scope;
  std::uint64_t token_ = 0;
};

// This thread works in a context from here to the end of the scope, and then goes on with what it was
// at before.
class Scope {
 public:
  explicit Scope(Context context) {
    token_ = context.token_;
    if (__builtin_expect(token_ != 0, 0)) reprise_context_take(token_);
  }
  ~Scope() {
    if (__builtin_expect(token_ != 0, 0)) reprise_context_leave(token_);
  }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  std::uint64_t token_;
};

// A function that is called in the context in which it was made.
template <typename Function>
class Carried {
 public:
  explicit Carried(Function function)
      : function_(std::move(function)), context_(Context::current()) {}

  template <typename... Arguments>
  decltype(auto) operator()(Arguments&&... arguments) {
    const Scope scope(context_);
    return function_(std::forward<Arguments>(arguments)...);
  }

 private:
  Function function_;
  Context context_;
};

template <typename Function>
Carried<std::decay_t<Function>> carry(Function&& function) {
  return Carried<std::decay_t<Function>>(std::forward<Function>(function));
}

}  // namespace reprise
