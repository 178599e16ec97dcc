// Condition variables whose timed waits end in virtual time.
//
// The C library's cannot be waited for in slices: a signal that comes between two slices wakes
// nobody, and to return early from a slice as a spurious wake-up would show in the service (one
// more turn of its loop, one more clock read). So at replay pthread_cond_t holds this instead, in
// the same 48 bytes and with the same all-zero initial value: a queue of the threads that wait,
// each on a word of its own on its stack. A waiter stays queued between slices, so nothing is lost
// and nothing is spurious, and the one that waits longest is woken first.
//
// A condition shared between processes cannot point at stacks: it counts signals, and every waiter
// that sees the count move returns. POSIX allows those wake-ups.
//
// Threading: any thread; not for signal handlers, as with the C library's.
#pragma once

#include <pthread.h>
#include <time.h>

#include <atomic>
#include <cstdint>

#include "agent/thread.h"
#include "agent/world/substitute/signal_hold.h"

namespace reprise::agent {

class Condition {
 public:
  // The condition that lives in `object`.
  static Condition& in(pthread_cond_t* object) { return *reinterpret_cast<Condition*>(object); }

  void reset(bool shared, clockid_t clock);
  clockid_t clock() const { return monotonic_ != 0 ? CLOCK_MONOTONIC : CLOCK_REALTIME; }

  void wake_one();
  void wake_all();

  // Gives `mutex` up, waits, takes it again: 0, ETIMEDOUT when the virtual `deadline_ns` passed, or
  // what the mutex said.
  int wait(Thread* thread, pthread_mutex_t* mutex, std::uint64_t deadline_ns);

 private:
  // A thread that waits. In its stack frame; queued until a signal takes it out or it gives up.
  struct Waiter {
    std::atomic<std::uint32_t> woken = 0;
    Waiter* next = nullptr;
    Waiter* previous = nullptr;
  };
  // What a cancelled waiter leaves in order.
  struct Departure {
    Condition* condition;
    Waiter* waiter;
    Thread* thread;
    pthread_mutex_t* mutex;
  };

  static void depart(void* departure);
  int wait_shared(Thread* thread, pthread_mutex_t* mutex, std::uint64_t deadline_ns);
  void enqueue(Waiter& waiter);
  // False when a signal took it out before.
  bool dequeue(Waiter& waiter);
  void unlink(Waiter& waiter);

  SpinLock lock_;
  std::uint8_t shared_;
  std::uint8_t monotonic_;
  std::uint16_t reserved_;
  std::atomic<std::uint32_t> signals_;  // of a shared one
  std::uint32_t reserved2_;
  Waiter* first_;
  Waiter* last_;
};
static_assert(sizeof(Condition) <= sizeof(pthread_cond_t));
static_assert(alignof(Condition) <= alignof(pthread_cond_t));

}  // namespace reprise::agent
