// Strong types for the ids, clocks and counts of the event model.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace reprise::event {

// A number that names one kind of thing. 0 is "none" unless the alias says otherwise.
template <typename Tag>
struct Id {
  std::uint64_t value = 0;

  constexpr explicit operator bool() const { return value != 0; }
  friend constexpr auto operator<=>(const Id&, const Id&) = default;
};

using ProcessId = Id<struct ProcessTag>;        // from 1, in order of appearance; 1 is the root
using ThreadId = Id<struct ThreadTag>;          // from 1, in order of appearance in the archive
using ConnectionId = Id<struct ConnectionTag>;  // from 1, in order of appearance
using ExchangeId = Id<struct ExchangeTag>;      // from 1, by arrival of the request's first byte
using CallId = Id<struct CallTag>;              // from 1, by departure of the request's first byte

// A point on the recording's stamp clock, in its ticks. Compare only within one archive.
struct Stamp {
  std::uint64_t ticks = 0;
  friend constexpr auto operator<=>(const Stamp&, const Stamp&) = default;
};

// Nanoseconds since the Unix epoch, UTC.
struct UnixNanos {
  std::int64_t value = 0;
  friend constexpr auto operator<=>(const UnixNanos&, const UnixNanos&) = default;
};

// A half-open range [begin, end) of byte offsets in one direction of a connection.
struct ByteRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;

  constexpr std::uint64_t size() const { return end - begin; }
  constexpr bool empty() const { return begin == end; }
  friend constexpr auto operator<=>(const ByteRange&, const ByteRange&) = default;
};

}  // namespace reprise::event

template <typename Tag>
struct std::hash<reprise::event::Id<Tag>> {
  std::size_t operator()(const reprise::event::Id<Tag>& id) const noexcept {
    return std::hash<std::uint64_t>{}(id.value);
  }
};
