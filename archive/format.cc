#include "archive/format.h"

namespace reprise::archive {

std::int64_t Header::nanoseconds(event::Stamp from, event::Stamp to) const {
  // A header can be lost with its block, or crafted.
  if (stamps_per_second == 0) return 0;
  const bool negative = to < from;
  const std::uint64_t ticks = negative ? from.ticks - to.ticks : to.ticks - from.ticks;
  constexpr std::uint64_t kNanosPerSecond = 1'000'000'000;
  const std::uint64_t seconds = ticks / stamps_per_second;
  // In 128 bits: the rest times 10^9 exceeds 64 bits for clocks beyond 18 GHz only, but a header
  // may say anything.
  __extension__ using Wide = unsigned __int128;
  const Wide nanos = Wide{seconds} * kNanosPerSecond +
                     Wide{ticks % stamps_per_second} * kNanosPerSecond / stamps_per_second;
  constexpr Wide kMost = INT64_MAX;
  const auto bounded = static_cast<std::int64_t>(nanos < kMost ? nanos : kMost);
  return negative ? -bounded : bounded;
}

event::UnixNanos Header::unix_time(event::Stamp stamp) const {
  const std::int64_t since_epoch = nanoseconds(epoch, stamp);
  std::int64_t time = 0;
  if (__builtin_add_overflow(realtime_epoch_ns, since_epoch, &time)) return {realtime_epoch_ns};
  return {time};
}

}  // namespace reprise::archive
