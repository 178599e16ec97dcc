#include "agent/world/substitute/condition.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>

#include "agent/system_call.h"
#include "agent/world/substitute/locks.h"
#include "agent/world/substitute/turn.h"
#include "agent/world/substitute/virtual_clock.h"
#include "agent/world/substitute/wait.h"

namespace reprise::agent {
namespace {

// Blocks until `word` is no longer `expected`; 0, or ETIMEDOUT.
int wait_for_word(Wait& wait, std::atomic<std::uint32_t>& word, std::uint32_t expected, int futex) {
  while (word.load(std::memory_order_acquire) == expected) {
    wait.block([&](std::int64_t slice_ns) {
      const timespec slice = to_timespec(slice_ns);
      return system_call(SYS_futex, address_of(&word), futex, expected,
                         slice_ns < 0 ? 0 : address_of(&slice));
    });
    if (word.load(std::memory_order_acquire) != expected) break;
    if (wait.is_over()) return ETIMEDOUT;
  }
  return 0;
}

}  // namespace

void Condition::reset(bool shared, clockid_t clock) {
  lock_.reset();
  shared_ = shared ? 1 : 0;
  monotonic_ = clock == CLOCK_MONOTONIC ? 1 : 0;
  reserved_ = 0;
  signals_.store(0, std::memory_order_relaxed);
  reserved2_ = 0;
  first_ = last_ = nullptr;
}

void Condition::enqueue(Waiter& waiter) {
  lock_.lock();
  waiter.previous = last_;
  (last_ == nullptr ? first_ : last_->next) = &waiter;
  last_ = &waiter;
  lock_.unlock();
}

void Condition::unlink(Waiter& waiter) {
  (waiter.previous == nullptr ? first_ : waiter.previous->next) = waiter.next;
  (waiter.next == nullptr ? last_ : waiter.next->previous) = waiter.previous;
  waiter.next = waiter.previous = nullptr;
}

bool Condition::dequeue(Waiter& waiter) {
  lock_.lock();
  const bool queued = waiter.woken.load(std::memory_order_relaxed) == 0;
  if (queued) unlink(waiter);
  lock_.unlock();
  return queued;
}

void Condition::wake_one() {
  yield_horizon();
  if (shared_ != 0) {
    signals_.fetch_add(1, std::memory_order_release);
    system_call(SYS_futex, address_of(&signals_), FUTEX_WAKE, 1);
    return;
  }
  lock_.lock();
  Waiter* waiter = first_;
  if (waiter != nullptr) {
    unlink(*waiter);
    waiter->woken.store(1, std::memory_order_release);
  }
  lock_.unlock();
  // Its frame may be gone by now: then this wakes nobody, which a futex allows.
  if (waiter != nullptr) system_call(SYS_futex, address_of(&waiter->woken), FUTEX_WAKE_PRIVATE, 1);
}

void Condition::wake_all() {
  yield_horizon();
  if (shared_ != 0) {
    signals_.fetch_add(1, std::memory_order_release);
    system_call(SYS_futex, address_of(&signals_), FUTEX_WAKE, INT_MAX);
    return;
  }
  // Only those that wait now: one that comes back at once waits for the next signal.
  lock_.lock();
  Waiter* waiter = first_;
  first_ = last_ = nullptr;
  while (waiter != nullptr) {
    Waiter* next = waiter->next;
    waiter->next = waiter->previous = nullptr;
    waiter->woken.store(1, std::memory_order_release);
    system_call(SYS_futex, address_of(&waiter->woken), FUTEX_WAKE_PRIVATE, 1);
    waiter = next;
  }
  lock_.unlock();
}

void Condition::depart(void* departure) {
  const auto& leaving = *static_cast<Departure*>(departure);
  if (leaving.thread != nullptr && leaving.thread->slot != nullptr) {
    publish_activity(*leaving.thread->slot, abi::Activity::kRunning);
  }
  // A signal that this thread took with it goes to the next one.
  if (!leaving.condition->dequeue(*leaving.waiter)) leaving.condition->wake_one();
  lock_mutex(leaving.thread, leaving.mutex);
}

int Condition::wait(Thread* thread, pthread_mutex_t* mutex, std::uint64_t deadline_ns) {
  if (shared_ != 0) return wait_shared(thread, mutex, deadline_ns);
  Waiter waiter;
  Departure departure = {this, &waiter, thread, mutex};
  enqueue(waiter);
  int result = unlock_mutex(mutex);
  if (result != 0) {
    dequeue(waiter);
    return result;
  }
  // Cancelled, the thread owns the mutex again before its own clean-up handlers run.
  pthread_cleanup_push(depart, &departure);
  {
    Wait waiting(thread, abi::Activity::kCondition, deadline_ns,
                 static_cast<std::uint64_t>(address_of(this)));
    result = wait_for_word(waiting, waiter.woken, 0, FUTEX_WAIT_PRIVATE);
  }
  pthread_cleanup_pop(0);
  // A signal that came at the last moment counts.
  if (result == ETIMEDOUT && !dequeue(waiter)) result = 0;
  const int locked = lock_mutex(thread, mutex);
  return locked != 0 ? locked : result;
}

int Condition::wait_shared(Thread* thread, pthread_mutex_t* mutex, std::uint64_t deadline_ns) {
  const std::uint32_t seen = signals_.load(std::memory_order_acquire);
  int result = unlock_mutex(mutex);
  if (result != 0) return result;
  {
    Wait waiting(thread, abi::Activity::kCondition, deadline_ns,
                 static_cast<std::uint64_t>(address_of(this)));
    result = wait_for_word(waiting, signals_, seen, FUTEX_WAIT);
  }
  const int locked = lock_mutex(thread, mutex);
  return locked != 0 ? locked : result;
}

}  // namespace reprise::agent
