#include "agent/hooks/clock.h"

#include "agent/arena_mapping.h"
#include "agent/brief.h"
#include "agent/hot.h"
#include "agent/module.h"
#include "agent/original.h"
#include "agent/record.h"
#include "agent/thread.h"
#include "agent/world/world.h"

namespace reprise::agent {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

std::int64_t nanoseconds(const timespec& value) {
  return std::int64_t{value.tv_sec} * kNsPerSecond + value.tv_nsec;
}

// The clocks of abi::ClockSource; others (another process's, a device's) are read and not recorded.
bool is_recorded(clockid_t clock) {
  return clock >= 0 && clock <= static_cast<clockid_t>(abi::ClockSource::kBoottime);
}

// The thread that reads, null when this read is not to be recorded.
inline Thread* reader(const void* caller) {
  Thread* thread = this_thread();
  if (thread == nullptr) return nullptr;
  refresh_modules(*thread);
  return is_crypto_code(caller) ? nullptr : thread;
}

// Clocks whose values move on as the stamp does.
bool runs_like_stamp(abi::ClockSource source) {
  switch (source) {
    case abi::ClockSource::kRealtime:
    case abi::ClockSource::kMonotonic:
    case abi::ClockSource::kMonotonicRaw:
    case abi::ClockSource::kBoottime:
    case abi::ClockSource::kGettimeofday:
    case abi::ClockSource::kTimespecGet:
      return true;
    default:
      return false;
  }
}

// A stamp that was taken so soon behind a read belongs to it.
constexpr std::int64_t kMostBetweenNs = 3000;

std::uint64_t stamps_in(std::int64_t nanoseconds) {
  return static_cast<std::uint64_t>(nanoseconds) * arena().header->stamps_per_second / kNsPerSecond;
}

std::int64_t read_original(clockid_t clock) {
  timespec value{};
  return original().clock_gettime(clock, &value) == 0 ? nanoseconds(value) : -1;
}

// A read that a record is written of. Reads that follow are told by how much later they are
// (agent/brief.h), so the stamp has to be as old as the value or older: a stamp is taken and the
// clock read again, and what passed in between is taken off.
class ClockRead {
 public:
  ClockRead(Thread& thread, const void* caller) : draw_{&thread, caller} {}
  [[nodiscard]] world::Draw& draw() { return draw_; }

  // `again` reads the clock once more, in ns.
  template <typename Again>
  [[gnu::always_inline]] void finish(abi::ClockSource source, std::int64_t value_ns, Again again) {
    Thread& thread = *draw_.thread;
    const auto caller = reinterpret_cast<std::uintptr_t>(draw_.caller);
    const bool steady = draw_.flags == 0 && runs_like_stamp(source);
    if (steady && write_later(thread, source, value_ns, caller)) return;
    std::uint64_t enter = stamp();
    const std::int64_t passed_ns = steady ? again() - value_ns : -1;
    const bool known = passed_ns >= 0 && passed_ns < kMostBetweenNs;
    if (known) enter -= stamps_in(passed_ns);
    if (Record<abi::Clock> record{thread, abi::RecordType::kClock, enter, 0,
                                  static_cast<std::uint8_t>(source)}) {
      record->value_ns = value_ns;
      record->caller = caller;
      record.add_flags(draw_.flags);
      record.commit();
      if (known) remember_clock(thread, record.start(), caller);
    }
  }
  void finish(abi::ClockSource source, std::int64_t value_ns) {
    finish(source, value_ns, [] { return std::int64_t{-1}; });
  }

 private:
  world::Draw draw_;
};

}  // namespace

REPRISE_HOT_CODE int read_clock(clockid_t clock, timespec* value, const void* caller) {
  Thread* thread = is_recorded(clock) ? reader(caller) : nullptr;
  if (thread == nullptr) return original().clock_gettime(clock, value);
  ClockRead read(*thread, caller);
  const int result = world::clock_gettime(read.draw(), clock, value);
  if (result == 0) {
    read.finish(static_cast<abi::ClockSource>(clock), nanoseconds(*value),
                [clock] { return read_original(clock); });
  }
  return result;
}

REPRISE_HOT_CODE int read_time_of_day(timeval* value, void* zone, const void* caller) {
  Thread* thread = value != nullptr ? reader(caller) : nullptr;
  if (thread == nullptr) return original().gettimeofday(value, zone);
  timeval unused;
  if (zone != nullptr) original().gettimeofday(&unused, zone);
  ClockRead read(*thread, caller);
  const int result = world::gettimeofday(read.draw(), value);
  if (result == 0) {
    read.finish(abi::ClockSource::kGettimeofday,
                std::int64_t{value->tv_sec} * kNsPerSecond + value->tv_usec * 1000,
                [] { return read_original(CLOCK_REALTIME); });
  }
  return result;
}
time_t read_seconds(time_t* value, const void* caller) {
  Thread* thread = reader(caller);
  if (thread == nullptr) return original().time(value);
  ClockRead read(*thread, caller);
  const time_t seconds = world::time(read.draw());
  read.finish(abi::ClockSource::kTime, std::int64_t{seconds} * kNsPerSecond);
  if (value != nullptr) *value = seconds;
  return seconds;
}

namespace {

std::int64_t read_nanoseconds(clockid_t clock, const void* caller) {
  timespec value{};
  read_clock(clock, &value, caller);
  return nanoseconds(value);
}

}  // namespace

REPRISE_HOT_CODE int hook_clock_gettime(clockid_t clock, timespec* value) {
  return read_clock(clock, value, REPRISE_CALLER());
}

REPRISE_HOT_CODE int hook_gettimeofday(timeval* value, void* zone) {
  return read_time_of_day(value, zone, REPRISE_CALLER());
}
extern "C" int hook___gettimeofday(timeval* value, void* zone)
    REPRISE_HOOK_ALIAS(__gettimeofday, gettimeofday);

time_t hook_time(time_t* value) { return read_seconds(value, REPRISE_CALLER()); }

int hook_timespec_get(timespec* value, int base) {
  Thread* thread = base == TIME_UTC ? reader(REPRISE_CALLER()) : nullptr;
  if (thread == nullptr) return original().timespec_get(value, base);
  ClockRead read(*thread, REPRISE_CALLER());
  const int result = world::timespec_get(read.draw(), value, base);
  if (result != 0) {
    read.finish(abi::ClockSource::kTimespecGet, nanoseconds(*value),
                [] { return read_original(CLOCK_REALTIME); });
  }
  return result;
}

std::int64_t hook_system_clock_now() { return read_nanoseconds(CLOCK_REALTIME, REPRISE_CALLER()); }

std::int64_t hook_steady_clock_now() { return read_nanoseconds(CLOCK_MONOTONIC, REPRISE_CALLER()); }

std::int64_t hook_libcxx_system_clock_now() {
  return read_nanoseconds(CLOCK_REALTIME, REPRISE_CALLER()) / 1000;
}

std::int64_t hook_libcxx_steady_clock_now() {
  return read_nanoseconds(CLOCK_MONOTONIC, REPRISE_CALLER());
}

}  // namespace reprise::agent
