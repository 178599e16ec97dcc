// System calls that the leak detector knows as ours.
//
// At replay a seccomp filter lets network, clock, random and waiting system calls of the service
// through only when they carry kCallToken in the register of the sixth argument and come from the
// one system call instruction in token_call.cc; all others are leaks (leak_filter.h). The kernel
// ignores that register in calls of five arguments or fewer, so the token costs nothing, and unlike
// a range of addresses it stays right across exec. Calls the filter does not watch use
// agent/system_call.h.
//
// Threading: any thread, signal handlers included; errno is not touched. Results are the kernel's,
// -errno on failure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "agent/system_call.h"

namespace reprise::agent {

inline constexpr std::uint64_t kCallToken = 0x9d3e'61c7'52a8'f04b;

extern "C" {
// A call of at most five arguments that carries the token.
[[gnu::visibility("hidden")]] long reprise_token_call(long number, long a, long b, long c, long d,
                                                      long e);
// The address behind its system call instruction, which is what seccomp sees.
[[gnu::visibility("hidden")]] extern const char reprise_token_call_return[];
}

// Arguments are integers and pointers, passed on as the kernel takes them.
template <typename... Arguments>
inline long token_call(long number, Arguments... arguments) {
  static_assert(sizeof...(arguments) <= 5, "the register of the sixth is the token's");
  const auto as_long = [](auto value) {
    if constexpr (std::is_null_pointer_v<decltype(value)>) {
      return 0L;
    } else if constexpr (std::is_pointer_v<decltype(value)>) {
      return address_of(value);
    } else {
      return static_cast<long>(value);
    }
  };
  const long values[5] = {as_long(arguments)...};
  return reprise_token_call(number, values[0], values[1], values[2], values[3], values[4]);
}

// The C library's convention: -1 and errno on failure. errno is left alone on success.
long with_errno(long result);

}  // namespace reprise::agent
