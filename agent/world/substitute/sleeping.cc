// Sleeps in virtual time.

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "agent/hooks/hook.h"
#include "agent/original.h"
#include "agent/world/substitute/control.h"
#include "agent/world/substitute/hooks.h"
#include "agent/world/substitute/thread_state.h"
#include "agent/world/substitute/token_call.h"
#include "agent/world/substitute/turn.h"
#include "agent/world/substitute/virtual_clock.h"
#include "agent/world/substitute/wait.h"

namespace reprise::agent {
namespace {

// The first yield sleeps a microsecond, the longest a millisecond.
constexpr std::uint32_t kFirstYield = 9;
constexpr std::uint32_t kMostYields = 11;

// Relative sleeps tell what is left when a handler ended them. 0 or -errno.
long sleep_for(std::int64_t duration_ns, timespec* left) {
  control().count_hooked();
  const std::uint64_t deadline = deadline_after(duration_ns);
  const long result = sleep_until(this_thread(), deadline);
  if (result == -EINTR && left != nullptr) *left = to_timespec(remaining_ns(deadline));
  return result;
}

long sleep_at(clockid_t clock, int flags, const timespec& duration, timespec* left) {
  if (!is_valid(duration)) return -EINVAL;
  if (clock < 0 || clock == CLOCK_THREAD_CPUTIME_ID) return -EINVAL;
  if ((flags & TIMER_ABSTIME) == 0) return sleep_for(nanoseconds(duration), left);
  control().count_hooked();
  return sleep_until(this_thread(), deadline_at(clock, duration));
}

}  // namespace

extern "C" {

int hook_nanosleep(const timespec* duration, timespec* left) {
  return static_cast<int>(with_errno(sleep_at(CLOCK_REALTIME, 0, *duration, left)));
}

int hook_clock_nanosleep(clockid_t clock, int flags, const timespec* duration, timespec* left) {
  // A process's CPU clock runs with the machine.
  if (clock == CLOCK_PROCESS_CPUTIME_ID) {
    return static_cast<int>(-token_call(SYS_clock_nanosleep, clock, flags, duration, left));
  }
  return static_cast<int>(-sleep_at(clock, flags, *duration, left));
}

// Who spins until another thread has got somewhere must let it: where threads take turns, giving
// way is a sleep, and a longer one each time nothing came of it.
int hook_sched_yield() REPRISE_HOOK(sched_yield);
int hook_sched_yield() {
  Thread* thread = this_thread();
  ThreadState* state = thread != nullptr && takes_turns() ? raw_state_of(*thread) : nullptr;
  if (state == nullptr) return static_cast<int>(with_errno(system_call(SYS_sched_yield)));
  state->yields = std::min(state->yields + 1, kMostYields);
  sleep_until(thread, deadline_after(std::int64_t{1} << (kFirstYield + state->yields)));
  return 0;
}

int hook_usleep(useconds_t microseconds) REPRISE_HOOK(usleep);
int hook_usleep(useconds_t microseconds) {
  const timespec duration = to_timespec(std::int64_t{microseconds} * 1000);
  return hook_nanosleep(&duration, nullptr);
}

unsigned hook_sleep(unsigned seconds) REPRISE_HOOK(sleep);
unsigned hook_sleep(unsigned seconds) {
  const int error = errno;
  const timespec duration = {seconds, 0};
  timespec left = {};
  if (hook_nanosleep(&duration, &left) == 0) return 0;
  errno = error;
  return static_cast<unsigned>(left.tv_sec) + (left.tv_nsec >= kNsPerSecond / 2 ? 1u : 0u);
}

}  // extern "C"
}  // namespace reprise::agent
