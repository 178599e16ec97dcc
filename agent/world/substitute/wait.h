// One wait of a thread of the service, in virtual time.
//
// A wait blocks really, but never past a look at the session's clock: while it has a deadline, or
// the process has a timer armed, it blocks in short slices and in between looks whether time has
// come. What it waits for and until when is published for the replayer (agent/abi/arena.h,
// ThreadSlot), once for the whole wait, so that slices are no transitions.
//
//   Wait wait(thread, abi::Activity::kReadiness, deadline_after(timeout_ns), epoll);
//   do {
//     result = wait.block([&](std::int64_t slice_ns) { return …; });   // the system call
//   } while (result == 0 && !wait.is_over());
//
// The call is a cancellation point, as the C library's would be: while it blocks, pthread_cancel
// ends the thread out of the system call. Nothing of ours holds a lock then.
//
// Threading: the calling thread; nests when a signal handler waits in the middle of a wait.
#pragma once

#include <pthread.h>

#include <cstdint>

#include "agent/abi/arena.h"
#include "agent/thread.h"

namespace reprise::agent {

class Wait {
 public:
  // `deadline_ns` as of virtual_clock.h. A null thread, or one without a slot, waits unpublished.
  Wait(Thread* thread, abi::Activity activity, std::uint64_t deadline_ns, std::uint64_t object);
  ~Wait();
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;

  // Calls `call` with the ns it may block, -1 for as long as it likes.
  template <typename Call>
  long block(Call call) {
    if (has_turn_) publish();
    const std::int64_t slice_ns = next_slice_ns();
    int type = 0;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
    const long result = call(slice_ns);
    pthread_setcanceltype(type, nullptr);
    return result;
  }

  // Fires timers that are due; true when the deadline has passed.
  [[nodiscard]] bool is_over();

  // Waits for the turn to look at what was waited for (turn.h), after which block() may go on.
  // False when all run as they like. The end of a wait does so by itself.
  bool take_turn();

  // Whether a wait until then gives its calls a bound: it has a deadline, or a timer is armed.
  [[nodiscard]] static bool is_sliced(std::uint64_t deadline_ns);

 private:
  void publish();
  std::int64_t next_slice_ns();

  Thread* thread_;
  abi::ThreadSlot* slot_;
  const abi::Activity activity_;
  const std::uint64_t object_;
  bool has_turn_ = false;
  std::uint64_t deadline_ns_;
  std::int64_t slice_ns_;
  std::uint32_t clock_fires_;
  // What was published before, which a handler's wait interrupts.
  std::uint64_t outer_activity_ = 0;
  std::uint64_t outer_deadline_ns_ = abi::kNoDeadline;
  std::uint64_t outer_object_ = 0;
};

// Sleeps until the virtual `deadline_ns`: 0, or -EINTR when a signal handler ran.
long sleep_until(Thread* thread, std::uint64_t deadline_ns);

}  // namespace reprise::agent
