// Mutexes, read-write locks, barriers, semaphores and condition variables of the service.
//
// A lock that is free is taken as ever. One that is not is waited for with what the thread waits
// for published; with a deadline, in slices until virtual time has come. None of these loses a
// wake-up between slices: they are states, not events. (Condition variables are: see condition.h.)
#include "agent/world/substitute/locks.h"

#include <errno.h>
#include <semaphore.h>
#include <time.h>

#include "agent/hooks/hook.h"
#include "agent/system_call.h"
#include "agent/world/substitute/condition.h"
#include "agent/world/substitute/lock_queue.h"
#include "agent/world/substitute/originals.h"
#include "agent/world/substitute/turn.h"
#include "agent/world/substitute/virtual_clock.h"
#include "agent/world/substitute/wait.h"
#include "agent/world/world.h"

namespace reprise::agent {
namespace {

// Slices of real waiting are CLOCK_MONOTONIC.
timespec slice_end(std::int64_t slice_ns) { return to_timespec(real_monotonic_ns() + slice_ns); }

// Bits of what the C library keeps in a lock; bits/struct_mutex.h has no names for them.
constexpr int kMutexTypeMask = 3;
constexpr int kMutexIsShared = 128;

// Whether a thread that finds the lock taken waits in our queue and not in the kernel's.
bool is_queued(const pthread_mutex_t& mutex) {
  const int kind = mutex.__data.__kind;
  // An error-checking mutex knows its owner, and says so when that one comes again.
  return takes_turns() && (kind & kMutexIsShared) == 0 &&
         (kind & kMutexTypeMask) != PTHREAD_MUTEX_ERRORCHECK_NP;
}
bool is_queued(const pthread_rwlock_t& lock) { return takes_turns() && lock.__data.__shared == 0; }

// `try_now()` and `until(deadline)` return 0, EBUSY/ETIMEDOUT, or an error of their own.
template <typename Lock, typename Try, typename Until>
int take_timed(Thread* thread, abi::Activity activity, const Lock* object,
               std::uint64_t deadline_ns, Try try_now, Until until) {
  int result = try_now();
  if (result != EBUSY) return result;
  if (is_queued(*object)) {
    return LockQueue::of(object).take(thread, activity, object, deadline_ns, try_now);
  }
  Wait wait(thread, activity, deadline_ns, static_cast<std::uint64_t>(address_of(object)));
  for (;;) {
    result = static_cast<int>(wait.block([&](std::int64_t slice_ns) {
      const timespec end = slice_end(slice_ns);
      return until(&end);
    }));
    if (result != ETIMEDOUT) return result;
    if (wait.is_over()) return try_now() == 0 ? 0 : ETIMEDOUT;
  }
}

template <typename Lock, typename Try, typename Take>
int take(Thread* thread, abi::Activity activity, const Lock* object, Try try_now, Take take_now) {
  const int result = try_now();
  if (result != EBUSY) return result;
  if (is_queued(*object)) {
    return LockQueue::of(object).take(thread, activity, object, abi::kNoDeadline, try_now);
  }
  const Wait wait(thread, activity, abi::kNoDeadline,
                  static_cast<std::uint64_t>(address_of(object)));
  return take_now();
}

int take_mutex_until(pthread_mutex_t* mutex, clockid_t clock, const timespec* time) {
  const SubstituteOriginals& real = substitute_originals();
  if (!is_valid(*time)) return EINVAL;
  return take_timed(
      this_thread(), abi::Activity::kMutex, mutex, deadline_at(clock, *time),
      [=, &real] { return real.pthread_mutex_trylock(mutex); },
      [=, &real](const timespec* end) {
        return real.pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, end);
      });
}

int read_lock_until(pthread_rwlock_t* lock, clockid_t clock, const timespec* time) {
  const SubstituteOriginals& real = substitute_originals();
  if (!is_valid(*time)) return EINVAL;
  return take_timed(
      this_thread(), abi::Activity::kMutex, lock, deadline_at(clock, *time),
      [=, &real] { return real.pthread_rwlock_tryrdlock(lock); },
      [=, &real](const timespec* end) {
        return real.pthread_rwlock_clockrdlock(lock, CLOCK_MONOTONIC, end);
      });
}

int write_lock_until(pthread_rwlock_t* lock, clockid_t clock, const timespec* time) {
  const SubstituteOriginals& real = substitute_originals();
  if (!is_valid(*time)) return EINVAL;
  return take_timed(
      this_thread(), abi::Activity::kMutex, lock, deadline_at(clock, *time),
      [=, &real] { return real.pthread_rwlock_trywrlock(lock); },
      [=, &real](const timespec* end) {
        return real.pthread_rwlock_clockwrlock(lock, CLOCK_MONOTONIC, end);
      });
}

// A semaphore's functions return -1 and errno.
int wait_semaphore(sem_t* semaphore, std::uint64_t deadline_ns) {
  const SubstituteOriginals& real = substitute_originals();
  if (real.sem_trywait(semaphore) == 0) return 0;
  if (errno != EAGAIN) return -1;
  Wait wait(this_thread(), abi::Activity::kSemaphore, deadline_ns,
            static_cast<std::uint64_t>(address_of(semaphore)));
  if (!Wait::is_sliced(deadline_ns)) return real.sem_wait(semaphore);
  for (;;) {
    const long result = wait.block([&](std::int64_t slice_ns) -> long {
      const timespec end = slice_end(slice_ns);
      return real.sem_clockwait(semaphore, CLOCK_MONOTONIC, &end);
    });
    if (result == 0 || errno != ETIMEDOUT) return static_cast<int>(result);
    if (wait.is_over()) {
      if (real.sem_trywait(semaphore) == 0) return 0;
      errno = ETIMEDOUT;
      return -1;
    }
  }
}

}  // namespace

int lock_mutex(Thread* thread, pthread_mutex_t* mutex) {
  const SubstituteOriginals& real = substitute_originals();
  return take(
      thread, abi::Activity::kMutex, mutex, [&] { return real.pthread_mutex_trylock(mutex); },
      [&] { return real.pthread_mutex_lock(mutex); });
}

int unlock_mutex(pthread_mutex_t* mutex) {
  const int result = substitute_originals().pthread_mutex_unlock(mutex);
  LockQueue::of(mutex).release();
  return result;
}

extern "C" {

int hook_pthread_mutex_unlock(pthread_mutex_t* mutex) REPRISE_HOOK(pthread_mutex_unlock);
int hook_pthread_mutex_unlock(pthread_mutex_t* mutex) { return unlock_mutex(mutex); }

int hook_pthread_rwlock_unlock(pthread_rwlock_t* lock) REPRISE_HOOK(pthread_rwlock_unlock);
int hook_pthread_rwlock_unlock(pthread_rwlock_t* lock) {
  const int result = substitute_originals().pthread_rwlock_unlock(lock);
  LockQueue::of(lock).release();
  return result;
}

int hook_pthread_mutex_lock(pthread_mutex_t* mutex) REPRISE_HOOK(pthread_mutex_lock);
int hook_pthread_mutex_lock(pthread_mutex_t* mutex) { return lock_mutex(this_thread(), mutex); }

int hook_pthread_mutex_timedlock(pthread_mutex_t* mutex, const timespec* time)
    REPRISE_HOOK(pthread_mutex_timedlock);
int hook_pthread_mutex_timedlock(pthread_mutex_t* mutex, const timespec* time) {
  return take_mutex_until(mutex, CLOCK_REALTIME, time);
}

int hook_pthread_mutex_clocklock(pthread_mutex_t* mutex, clockid_t clock, const timespec* time)
    REPRISE_HOOK(pthread_mutex_clocklock);
int hook_pthread_mutex_clocklock(pthread_mutex_t* mutex, clockid_t clock, const timespec* time) {
  return take_mutex_until(mutex, clock, time);
}

int hook_pthread_rwlock_rdlock(pthread_rwlock_t* lock) REPRISE_HOOK(pthread_rwlock_rdlock);
int hook_pthread_rwlock_rdlock(pthread_rwlock_t* lock) {
  const SubstituteOriginals& real = substitute_originals();
  return take(
      this_thread(), abi::Activity::kMutex, lock,
      [&] { return real.pthread_rwlock_tryrdlock(lock); },
      [&] { return real.pthread_rwlock_rdlock(lock); });
}

int hook_pthread_rwlock_wrlock(pthread_rwlock_t* lock) REPRISE_HOOK(pthread_rwlock_wrlock);
int hook_pthread_rwlock_wrlock(pthread_rwlock_t* lock) {
  const SubstituteOriginals& real = substitute_originals();
  return take(
      this_thread(), abi::Activity::kMutex, lock,
      [&] { return real.pthread_rwlock_trywrlock(lock); },
      [&] { return real.pthread_rwlock_wrlock(lock); });
}

int hook_pthread_rwlock_timedrdlock(pthread_rwlock_t* lock, const timespec* time)
    REPRISE_HOOK(pthread_rwlock_timedrdlock);
int hook_pthread_rwlock_timedrdlock(pthread_rwlock_t* lock, const timespec* time) {
  return read_lock_until(lock, CLOCK_REALTIME, time);
}

int hook_pthread_rwlock_timedwrlock(pthread_rwlock_t* lock, const timespec* time)
    REPRISE_HOOK(pthread_rwlock_timedwrlock);
int hook_pthread_rwlock_timedwrlock(pthread_rwlock_t* lock, const timespec* time) {
  return write_lock_until(lock, CLOCK_REALTIME, time);
}

int hook_pthread_rwlock_clockrdlock(pthread_rwlock_t* lock, clockid_t clock, const timespec* time)
    REPRISE_HOOK(pthread_rwlock_clockrdlock);
int hook_pthread_rwlock_clockrdlock(pthread_rwlock_t* lock, clockid_t clock, const timespec* time) {
  return read_lock_until(lock, clock, time);
}

int hook_pthread_rwlock_clockwrlock(pthread_rwlock_t* lock, clockid_t clock, const timespec* time)
    REPRISE_HOOK(pthread_rwlock_clockwrlock);
int hook_pthread_rwlock_clockwrlock(pthread_rwlock_t* lock, clockid_t clock, const timespec* time) {
  return write_lock_until(lock, clock, time);
}

int hook_pthread_barrier_wait(pthread_barrier_t* barrier) REPRISE_HOOK(pthread_barrier_wait);
int hook_pthread_barrier_wait(pthread_barrier_t* barrier) {
  // All but the last one to come wait, and who that is nobody knows before.
  const Wait wait(this_thread(), abi::Activity::kCondition, abi::kNoDeadline,
                  static_cast<std::uint64_t>(address_of(barrier)));
  return substitute_originals().pthread_barrier_wait(barrier);
}

int hook_sem_post(sem_t* semaphore) REPRISE_HOOK(sem_post);
int hook_sem_post(sem_t* semaphore) {
  yield_horizon();
  return substitute_originals().sem_post(semaphore);
}

int hook_sem_wait(sem_t* semaphore) REPRISE_HOOK(sem_wait);
int hook_sem_wait(sem_t* semaphore) { return wait_semaphore(semaphore, abi::kNoDeadline); }

int hook_sem_timedwait(sem_t* semaphore, const timespec* time) REPRISE_HOOK(sem_timedwait);
int hook_sem_timedwait(sem_t* semaphore, const timespec* time) {
  return wait_semaphore(semaphore, deadline_at(CLOCK_REALTIME, *time));
}

int hook_sem_clockwait(sem_t* semaphore, clockid_t clock, const timespec* time)
    REPRISE_HOOK(sem_clockwait);
int hook_sem_clockwait(sem_t* semaphore, clockid_t clock, const timespec* time) {
  return wait_semaphore(semaphore, deadline_at(clock, *time));
}

// --- Condition variables
// ----------------------------------------------------------------------------

int hook_pthread_cond_init(pthread_cond_t* condition, const pthread_condattr_t* attributes)
    REPRISE_HOOK(pthread_cond_init);
int hook_pthread_cond_init(pthread_cond_t* condition, const pthread_condattr_t* attributes) {
  int shared = PTHREAD_PROCESS_PRIVATE;
  clockid_t clock = CLOCK_REALTIME;
  if (attributes != nullptr) {
    pthread_condattr_getpshared(attributes, &shared);
    pthread_condattr_getclock(attributes, &clock);
  }
  Condition::in(condition).reset(shared == PTHREAD_PROCESS_SHARED, clock);
  return 0;
}

int hook_pthread_cond_destroy(pthread_cond_t*) REPRISE_HOOK(pthread_cond_destroy);
int hook_pthread_cond_destroy(pthread_cond_t*) { return 0; }

int hook_pthread_cond_signal(pthread_cond_t* condition) REPRISE_HOOK(pthread_cond_signal);
int hook_pthread_cond_signal(pthread_cond_t* condition) {
  Condition::in(condition).wake_one();
  return 0;
}

int hook_pthread_cond_broadcast(pthread_cond_t* condition) REPRISE_HOOK(pthread_cond_broadcast);
int hook_pthread_cond_broadcast(pthread_cond_t* condition) {
  Condition::in(condition).wake_all();
  return 0;
}

int hook_pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                                const timespec* time) REPRISE_HOOK(pthread_cond_clockwait);
int hook_pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                                const timespec* time) {
  if (!is_valid(*time) || (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME)) return EINVAL;
  return Condition::in(condition).wait(this_thread(), mutex, deadline_at(clock, *time));
}

int hook_pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                                const timespec* time) REPRISE_HOOK(pthread_cond_timedwait);
int hook_pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                                const timespec* time) {
  return hook_pthread_cond_clockwait(condition, mutex, Condition::in(condition).clock(), time);
}

}  // extern "C"

namespace world {

int condition_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  return Condition::in(condition).wait(this_thread(), mutex, abi::kNoDeadline);
}

}  // namespace world
}  // namespace reprise::agent
