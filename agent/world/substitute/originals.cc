#include "agent/world/substitute/originals.h"

#include <errno.h>

#include "agent/link_map.h"
#include "agent/original.h"
#include "agent/world/substitute/token_call.h"

namespace reprise::agent {
namespace {

constinit SubstituteOriginals table{};
constinit std::atomic<bool> resolved = false;

int token_socket(int family, int type, int protocol) noexcept {
  return static_cast<int>(with_errno(token_call(SYS_socket, family, type, protocol)));
}

int token_clock_gettime(clockid_t clock, timespec* value) noexcept {
  return static_cast<int>(with_errno(token_call(SYS_clock_gettime, clock, value)));
}

int token_gettimeofday(timeval* value, void* zone) noexcept {
  return static_cast<int>(with_errno(token_call(SYS_gettimeofday, value, zone)));
}

time_t token_time(time_t* value) noexcept {
  return static_cast<time_t>(token_call(SYS_time, value));
}

int token_timespec_get(timespec* value, int base) noexcept {
  if (base != TIME_UTC) return 0;
  return failed(token_call(SYS_clock_gettime, CLOCK_REALTIME, value)) ? 0 : base;
}

ssize_t token_getrandom(void* bytes, std::size_t length, unsigned flags) {
  return with_errno(token_call(SYS_getrandom, bytes, length, flags));
}

// Up to 256 bytes come whole once the kernel's pool is ready (getrandom(2)).
constexpr std::size_t kWholeDraw = 256;

void fill(void* bytes, std::size_t length) {
  auto* at = static_cast<char*>(bytes);
  while (length > 0) {
    const std::size_t part = length < kWholeDraw ? length : kWholeDraw;
    const long drawn = token_call(SYS_getrandom, at, part, 0);
    if (failed(drawn)) {
      if (drawn == -EINTR) continue;
      return;
    }
    at += drawn;
    length -= static_cast<std::size_t>(drawn);
  }
}

int token_getentropy(void* bytes, std::size_t length) {
  if (length > kWholeDraw) return static_cast<int>(with_errno(-EIO));
  fill(bytes, length);
  return 0;
}

std::uint32_t token_arc4random() noexcept {
  std::uint32_t value = 0;
  fill(&value, sizeof value);
  return value;
}

void token_arc4random_buf(void* bytes, std::size_t length) noexcept { fill(bytes, length); }

std::uint32_t token_arc4random_uniform(std::uint32_t bound) noexcept {
  if (bound < 2) return 0;
  // Values below 2^32 mod bound would favour small results.
  const std::uint32_t reject = (0u - bound) % bound;
  std::uint32_t value = 0;
  do {
    value = token_arc4random();
  } while (value < reject);
  return value % bound;
}

}  // namespace

const SubstituteOriginals& substitute_originals() {
  if (!resolved.load(std::memory_order_acquire)) [[unlikely]] {
#define REPRISE_RESOLVE(name) \
  table.name = reinterpret_cast<decltype(table.name)>(find_next_function(#name));
    REPRISE_SUBSTITUTE_ORIGINALS(REPRISE_RESOLVE)
#undef REPRISE_RESOLVE
    resolved.store(true, std::memory_order_release);
  }
  return table;
}

void carry_token_in_originals() {
  Originals& originals = original_table;
  originals.socket = token_socket;
  originals.clock_gettime = token_clock_gettime;
  originals.gettimeofday = token_gettimeofday;
  originals.time = token_time;
  originals.timespec_get = token_timespec_get;
  originals.getrandom = token_getrandom;
  originals.getentropy = token_getentropy;
  originals.arc4random = token_arc4random;
  originals.arc4random_buf = token_arc4random_buf;
  originals.arc4random_uniform = token_arc4random_uniform;
}

}  // namespace reprise::agent
