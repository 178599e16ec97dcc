// System calls made directly, for what the agent does on its own account.
//
// The C library's functions are cancellation points, set errno, may be hooked by others and are not
// there before start-up. These are none of that: the result is the kernel's, -errno on failure.
// Where the service forbids itself a call (agent/sandbox.h) it is -EPERM, and the call not made.
//
// Threading: any thread, signal handlers included.
#pragma once

#include <errno.h>
#include <sys/syscall.h>

#include <atomic>
#include <cstdint>

namespace reprise::agent {

// Whether a filter was installed, and whether those that were allow a call (agent/sandbox.cc).
[[gnu::visibility("hidden")]] extern constinit std::atomic<bool> sandboxed;
[[gnu::visibility("hidden")]] bool sandbox_allows(long number, long a, long b, long c, long d,
                                                  long e, long f);

// For what is the service's own call.
inline long raw_system_call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0,
                            long f = 0) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

inline long system_call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0,
                        long f = 0) {
  if (sandboxed.load(std::memory_order_relaxed)) [[unlikely]] {
    if (!sandbox_allows(number, a, b, c, d, e, f)) return -EPERM;
  }
  return raw_system_call(number, a, b, c, d, e, f);
}

// For arguments that are pointers.
inline long address_of(const volatile void* pointer) {
  return static_cast<long>(reinterpret_cast<std::intptr_t>(pointer));
}

inline constexpr bool failed(long result) { return result < 0 && result >= -4095; }

}  // namespace reprise::agent
