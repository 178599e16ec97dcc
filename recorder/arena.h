// The arena of agent/abi/arena.h from the recorder's side: where it is put, how big it is, and that
// every byte of it is really there before the service sees it.
//
// Ownership: an Arena owns its mapping; the file belongs to the session directory. What it maps is
// written by the service as well, so nothing in it is trusted: the geometry is the one that was
// published, kept here, and not read again from shared memory. Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "agent/abi/arena.h"
#include "recorder/error.h"
#include "recorder/session_directory.h"
#include "recorder/stamp_clock.h"

namespace reprise::recorder {

// How an arena is divided. Offsets are in bytes from its beginning.
struct ArenaGeometry {
  std::uint32_t process_count = 0;
  std::uint32_t thread_count = 0;
  std::uint32_t segment_count = 0;
  std::uint32_t segment_bytes = 0;
  std::uint64_t processes_offset = 0;
  std::uint64_t threads_offset = 0;
  std::uint64_t segment_headers_offset = 0;
  std::uint64_t segments_offset = 0;
  std::uint64_t arena_bytes = 0;

  // Divides about `bytes`, at least kSmallestArena. Every thread at work owns one segment, so there
  // are many small ones rather than few large ones.
  static ArenaGeometry for_bytes(std::uint64_t bytes);
};

inline constexpr std::uint64_t kSmallestArena = 256 * 1024;
inline constexpr std::uint64_t kDefaultArena = 64 * 1024 * 1024;

// A stable mapping of an arena file.
class Arena {
 public:
  // Makes the file with all its blocks, fills the header, and gives it its name last.
  // `flags` are abi::ArenaFlags.
  [[nodiscard]] static tl::expected<Arena, Error> create(const SessionDirectory& directory,
                                                         const ArenaGeometry& geometry,
                                                         const StampClock& clock,
                                                         std::uint32_t flags);
  // Maps what a killed recorder left, after checking that its geometry lies within the file.
  [[nodiscard]] static tl::expected<Arena, Error> open(const std::string& path);

  Arena(Arena&& other) noexcept;
  Arena& operator=(Arena&& other) noexcept;
  ~Arena();

  const std::string& path() const { return path_; }
  const ArenaGeometry& geometry() const { return geometry_; }
  const StampClock& clock() const { return clock_; }
  std::uint32_t flags() const { return flags_; }

  abi::ArenaHeader& header() { return *static_cast<abi::ArenaHeader*>(base_); }
  abi::ProcessSlot& process(std::uint32_t slot);
  abi::ThreadSlot& thread(std::uint32_t slot);
  abi::SegmentHeader& segment(std::uint32_t index);
  std::byte* bytes(std::uint32_t segment);

 private:
  Arena() = default;
  std::byte* at(std::uint64_t offset) { return static_cast<std::byte*>(base_) + offset; }

  std::string path_;
  void* base_ = nullptr;
  ArenaGeometry geometry_;
  StampClock clock_;
  std::uint32_t flags_ = 0;
};

struct ArenaPlacement {
  std::optional<std::uint64_t> bytes;  // as asked for; none: kDefaultArena or what fits
  std::optional<std::string> parent;   // directory asked for; none: session_parents()
};

struct PlacedSession {
  SessionDirectory directory;
  Arena arena;
  std::string remark;  // what the user should know about the place or size, "" when all is usual
};

// Makes session directory and arena in the best place that has room. What was asked for is done or
// refused; what was not asked for gives way: first the size, then the place.
[[nodiscard]] tl::expected<PlacedSession, Error> place_session(const SessionNotes& notes,
                                                               const ArenaPlacement& placement,
                                                               std::uint32_t flags);

}  // namespace reprise::recorder
