// System calls made directly, for what the agent does on its own account.
//
// The C library's functions are cancellation points, set errno, may be hooked by others and are not
// there before start-up. These are none of that: the result is the kernel's, -errno on failure.
//
// Threading: any thread, signal handlers included.
#pragma once

#include <sys/syscall.h>

#include <cstdint>

namespace reprise::agent {

inline long system_call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0,
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

// For arguments that are pointers.
inline long address_of(const volatile void* pointer) {
  return static_cast<long>(reinterpret_cast<std::intptr_t>(pointer));
}

inline constexpr bool failed(long result) { return result < 0 && result >= -4095; }

}  // namespace reprise::agent
