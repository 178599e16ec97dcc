// The functions that make, set and read timers (timers.h).

#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "agent/hooks/hook.h"
#include "agent/original.h"
#include "agent/world/substitute/control.h"
#include "agent/world/substitute/hooks.h"
#include "agent/world/substitute/originals.h"
#include "agent/world/substitute/timers.h"
#include "agent/world/substitute/token_call.h"
#include "agent/world/substitute/virtual_clock.h"

namespace reprise::agent {
namespace {

constexpr TimerName kAlarm = {TimerKind::kInterval, 0};

TimerName descriptor_timer(int fd) {
  return {TimerKind::kDescriptor, static_cast<std::uint64_t>(fd)};
}

TimerName posix_timer(timer_t timer) {
  return {TimerKind::kPosix, static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(timer))};
}

bool runs_with_cpu(clockid_t clock) {
  return clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
}

itimerspec to_itimerspec(const TimerSetting& setting) {
  return {to_timespec(setting.interval_ns), to_timespec(setting.left_ns)};
}

itimerval to_itimerval(const TimerSetting& setting) {
  return {to_timeval(setting.interval_ns), to_timeval(setting.left_ns)};
}

// 0 or -errno.
long set(TimerName name, bool absolute, const itimerspec* value, itimerspec* before) {
  if (value == nullptr) return -EFAULT;
  if (!is_valid(value->it_value) || !is_valid(value->it_interval)) return -EINVAL;
  control().count_hooked();
  const std::int64_t due = nanoseconds(value->it_value);
  const std::uint64_t deadline = due == 0   ? abi::kNoDeadline
                                 : absolute ? deadline_at(timer_clock(name), value->it_value)
                                            : deadline_after(due);
  TimerSetting former = {};
  if (!set_timer(name, deadline, nanoseconds(value->it_interval), &former)) return -ENOMEM;
  if (before != nullptr) *before = to_itimerspec(former);
  // One that was due already does not wait for somebody to wait.
  fire_due_timers();
  return 0;
}

}  // namespace

extern "C" {

int hook_timerfd_create(int clock, int flags) {
  const int fd = static_cast<int>(with_errno(system_call(SYS_timerfd_create, clock, flags)));
  if (fd >= 0 && control().attached()) remember_timer(descriptor_timer(fd), clock);
  return fd;
}

int hook_timerfd_settime(int fd, int flags, const itimerspec* value, itimerspec* before) {
  if (!control().attached()) {
    return static_cast<int>(with_errno(token_call(SYS_timerfd_settime, fd, flags, value, before)));
  }
  // Clears what expired before, and says what is wrong with the descriptor.
  const itimerspec off = {};
  const long result = token_call(SYS_timerfd_settime, fd, 0, &off, nullptr);
  if (result != 0) return static_cast<int>(with_errno(result));
  const bool absolute = (flags & TFD_TIMER_ABSTIME) != 0;
  return static_cast<int>(with_errno(set(descriptor_timer(fd), absolute, value, before)));
}

int hook_timerfd_gettime(int fd, itimerspec* value) {
  const int result =
      static_cast<int>(with_errno(system_call(SYS_timerfd_gettime, fd, address_of(value))));
  if (result == 0 && control().attached()) {
    *value = to_itimerspec(timer_setting(descriptor_timer(fd)));
  }
  return result;
}

int hook_setitimer(int which, const itimerval* value, itimerval* before) REPRISE_HOOK(setitimer);
int hook_setitimer(int which, const itimerval* value, itimerval* before) {
  if (!control().attached() || which != ITIMER_REAL || value == nullptr) {
    return static_cast<int>(with_errno(token_call(SYS_setitimer, which, value, before)));
  }
  const itimerspec asked = {to_timespec(nanoseconds(value->it_interval)),
                            to_timespec(nanoseconds(value->it_value))};
  const TimerSetting former = timer_setting(kAlarm);
  const long result = set(kAlarm, false, &asked, nullptr);
  if (result == 0 && before != nullptr) *before = to_itimerval(former);
  return static_cast<int>(with_errno(result));
}

int hook_getitimer(int which, itimerval* value) REPRISE_HOOK(getitimer);
int hook_getitimer(int which, itimerval* value) {
  if (!control().attached() || which != ITIMER_REAL) {
    return static_cast<int>(with_errno(system_call(SYS_getitimer, which, address_of(value))));
  }
  *value = to_itimerval(timer_setting(kAlarm));
  return 0;
}

unsigned hook_alarm(unsigned seconds) REPRISE_HOOK(alarm);
unsigned hook_alarm(unsigned seconds) {
  const itimerval asked = {{0, 0}, {seconds, 0}};
  itimerval former = {};
  if (hook_setitimer(ITIMER_REAL, &asked, &former) != 0) return 0;
  // Rounded, but a pending alarm is never told as none (alarm(2)).
  const auto whole = static_cast<unsigned>(former.it_value.tv_sec);
  const bool more =
      former.it_value.tv_usec >= 500'000 || (whole == 0 && former.it_value.tv_usec > 0);
  return whole + (more ? 1u : 0u);
}

int hook_timer_create(clockid_t clock, sigevent* event, timer_t* timer) REPRISE_HOOK(timer_create);
int hook_timer_create(clockid_t clock, sigevent* event, timer_t* timer) {
  const int result = substitute_originals().timer_create(clock, event, timer);
  if (result == 0 && control().attached() && !runs_with_cpu(clock)) {
    remember_timer(posix_timer(*timer), clock);
  }
  return result;
}

int hook_timer_settime(timer_t timer, int flags, const itimerspec* value, itimerspec* before)
    REPRISE_HOOK(timer_settime);
int hook_timer_settime(timer_t timer, int flags, const itimerspec* value, itimerspec* before) {
  if (!control().attached() || !is_known_timer(posix_timer(timer))) {
    return substitute_originals().timer_settime(timer, flags, value, before);
  }
  const bool absolute = (flags & TIMER_ABSTIME) != 0;
  return static_cast<int>(with_errno(set(posix_timer(timer), absolute, value, before)));
}

int hook_timer_gettime(timer_t timer, itimerspec* value) REPRISE_HOOK(timer_gettime);
int hook_timer_gettime(timer_t timer, itimerspec* value) {
  if (!control().attached() || !is_known_timer(posix_timer(timer))) {
    return substitute_originals().timer_gettime(timer, value);
  }
  *value = to_itimerspec(timer_setting(posix_timer(timer)));
  return 0;
}

int hook_timer_delete(timer_t timer) REPRISE_HOOK(timer_delete);
int hook_timer_delete(timer_t timer) {
  if (control().attached()) forget_timer(posix_timer(timer));
  return substitute_originals().timer_delete(timer);
}

}  // extern "C"
}  // namespace reprise::agent
