#include "recorder/arena.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

namespace reprise::recorder {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint32_t kMostSegments = abi::kFreeMapWords * 64;
// A thread that sleeps holds one, and a body that comes again is known again only within one.
constexpr std::uint32_t kUsualSegments = kMostSegments / 2;
constexpr std::uint32_t kSmallestSegment = 16 * 1024;
constexpr std::uint32_t kLargestSegment = 64 * 1024;

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}

std::string in_mib(std::uint64_t bytes) {
  if (bytes < 1024 * 1024) return std::to_string(bytes / 1024) + " KiB";
  return std::to_string(bytes / (1024 * 1024)) + " MiB";
}

std::string errno_text() { return std::strerror(errno); }

// Offsets for the counts that are set.
void lay_out(ArenaGeometry& geometry) {
  std::uint64_t offset = round_up(sizeof(abi::ArenaHeader), 64);
  geometry.processes_offset = offset;
  offset += sizeof(abi::ProcessSlot) * geometry.process_count;
  geometry.threads_offset = round_up(offset, 64);
  offset = geometry.threads_offset + sizeof(abi::ThreadSlot) * geometry.thread_count;
  geometry.segment_headers_offset = round_up(offset, 64);
  offset = geometry.segment_headers_offset + sizeof(abi::SegmentHeader) * geometry.segment_count;
  geometry.segments_offset = round_up(offset, kPage);
  geometry.arena_bytes =
      geometry.segments_offset + std::uint64_t{geometry.segment_bytes} * geometry.segment_count;
}

bool lies_within(std::uint64_t offset, std::uint64_t size, std::uint64_t count,
                 std::uint64_t alignment, std::uint64_t whole) {
  return offset % alignment == 0 && offset <= whole && count <= (whole - offset) / size;
}

bool is_consistent(const ArenaGeometry& geometry, std::uint64_t file_bytes) {
  if (geometry.arena_bytes > file_bytes) return false;
  const std::uint64_t whole = geometry.arena_bytes;
  return geometry.segment_count > 0 && geometry.segment_count <= kMostSegments &&
         geometry.segment_bytes >= kPage && geometry.segment_bytes % kPage == 0 &&
         lies_within(geometry.processes_offset, sizeof(abi::ProcessSlot), geometry.process_count,
                     64, whole) &&
         lies_within(geometry.threads_offset, sizeof(abi::ThreadSlot), geometry.thread_count, 64,
                     whole) &&
         lies_within(geometry.segment_headers_offset, sizeof(abi::SegmentHeader),
                     geometry.segment_count, 64, whole) &&
         lies_within(geometry.segments_offset, geometry.segment_bytes, geometry.segment_count,
                     kPage, whole);
}

ArenaGeometry published_geometry(const abi::ArenaHeader& header) {
  ArenaGeometry geometry;
  geometry.process_count = header.process_count;
  geometry.thread_count = header.thread_count;
  geometry.segment_count = header.segment_count;
  geometry.segment_bytes = header.segment_bytes;
  geometry.processes_offset = header.processes_offset;
  geometry.threads_offset = header.threads_offset;
  geometry.segment_headers_offset = header.segment_headers_offset;
  geometry.segments_offset = header.segments_offset;
  geometry.arena_bytes = header.arena_bytes;
  return geometry;
}

std::uint8_t hex_value(char digit) {
  return static_cast<std::uint8_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

void fill_header(abi::ArenaHeader& header, const ArenaGeometry& geometry, const StampClock& clock,
                 const SessionNotes& notes, std::uint32_t flags) {
  header.abi_version = abi::kAbiVersion;
  header.flags = flags;
  header.arena_bytes = geometry.arena_bytes;
  for (std::size_t i = 0; i < sizeof header.session_id && 2 * i + 1 < notes.session.size(); ++i) {
    header.session_id[i] = static_cast<std::uint8_t>(hex_value(notes.session[2 * i]) << 4 |
                                                     hex_value(notes.session[2 * i + 1]));
  }
  header.process_count = geometry.process_count;
  header.thread_count = geometry.thread_count;
  header.segment_count = geometry.segment_count;
  header.segment_bytes = geometry.segment_bytes;
  header.processes_offset = geometry.processes_offset;
  header.threads_offset = geometry.threads_offset;
  header.segment_headers_offset = geometry.segment_headers_offset;
  header.segments_offset = geometry.segments_offset;
  header.stamp_source = clock.source;
  header.recorder_pid = static_cast<std::uint32_t>(::getpid());
  header.stamp_epoch = clock.epoch;
  header.realtime_epoch_ns = clock.realtime_epoch_ns;
  header.monotonic_epoch_ns = clock.monotonic_epoch_ns;
  header.stamps_per_second = clock.ticks_per_second;
  header.heartbeat_ns.store(monotonic_now_ns(), std::memory_order_relaxed);
  for (std::uint32_t segment = 0; segment < geometry.segment_count; ++segment) {
    header.free_map[segment / 64].fetch_or(std::uint64_t{1} << (segment % 64),
                                           std::memory_order_relaxed);
  }
  std::atomic_thread_fence(std::memory_order_release);
  header.magic = abi::kArenaMagic;
}

// A file of `bytes` whose every block exists. Leaves nothing behind when it fails.
tl::expected<int, Error> allocate_file(const std::string& path, std::uint64_t bytes) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return tl::unexpected(Error{"cannot make " + path + ": " + errno_text()});
  if (::fchmod(file, SessionDirectory::shared_mode()) == 0) {
    // Not ftruncate: a sparse file on a full file system is SIGBUS in the service.
    errno = ::posix_fallocate(file, 0, static_cast<off_t>(bytes));
    if (errno == 0) return file;
  }
  const Error error{"cannot allocate " + in_mib(bytes) + " for " + path + ": " + errno_text()};
  ::close(file);
  ::unlink(path.c_str());
  return tl::unexpected(error);
}

std::uint64_t free_bytes(const std::string& directory) {
  struct statvfs status {};
  if (::statvfs(directory.c_str(), &status) != 0) return 0;
  return std::uint64_t{status.f_bavail} * status.f_frsize;
}

// RLIMIT_FSIZE of this process, which files in memory fall under as well.
std::uint64_t largest_file() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0) return RLIM_INFINITY;
  return limit.rlim_cur;
}

struct Candidate {
  std::string parent;
  std::uint64_t bytes;
};

// Places and sizes to try, best first.
std::vector<Candidate> candidates(const ArenaPlacement& placement) {
  const std::vector<std::string> parents =
      placement.parent ? std::vector<std::string>{*placement.parent} : session_parents();
  std::vector<Candidate> list;
  for (const std::string& parent : parents) {
    if (placement.bytes) {
      list.push_back({parent, *placement.bytes});
      continue;
    }
    // Half of what is free at most: the service may want to use the place as well.
    const std::uint64_t room = std::min({free_bytes(parent) / 2, largest_file(), kDefaultArena});
    if (room >= kSmallestArena * 4) list.push_back({parent, room});
  }
  return list;
}

std::string remark_on(const Candidate& chosen, const ArenaPlacement& placement) {
  if (placement.bytes && placement.parent) return "";
  const std::string usual = session_parents().front();
  std::string remark;
  if (!placement.parent && chosen.parent != usual) {
    remark = usual + " has no room for the arena; it is in " + chosen.parent +
             " (a disk may slow the service down when memory is short)";
  }
  if (!placement.bytes && chosen.bytes < kDefaultArena) {
    remark += std::string(remark.empty() ? "" : "; ") + "the arena has only " +
              in_mib(chosen.bytes) + " instead of " + in_mib(kDefaultArena) + " because " +
              (chosen.bytes == largest_file() ? "no file may be larger (ulimit -f)"
                                              : chosen.parent + " is nearly full") +
              "; under load records may be dropped (and counted)";
  }
  return remark;
}

std::string no_room_message(const ArenaPlacement& placement, const std::string& last_problem) {
  std::string tried;
  const std::vector<std::string> parents =
      placement.parent ? std::vector<std::string>{*placement.parent} : session_parents();
  for (const std::string& parent : parents) {
    const bool exists = ::access(parent.c_str(), F_OK) == 0;
    tried += (tried.empty() ? "" : ", ") + parent +
             (exists ? " (" + in_mib(free_bytes(parent)) + " free)" : " (which does not exist)");
  }
  const std::uint64_t wanted = placement.bytes.value_or(kSmallestArena * 4);
  if (largest_file() < wanted) {
    return "no file may be larger than " + in_mib(largest_file()) +
           " here, and the arena needs at least " + in_mib(wanted) +
           "; raise the limit (ulimit -f)" +
           (placement.bytes ? " or choose a smaller --arena-size" : "");
  }
  return "no room for the arena" +
         (placement.bytes ? " of " + in_mib(*placement.bytes) : std::string()) + " in " + tried +
         (last_problem.empty() ? "" : ": " + last_problem) +
         "; free some space, choose a smaller --arena-size, or another place with --arena-dir";
}

}  // namespace

ArenaGeometry ArenaGeometry::for_bytes(std::uint64_t bytes) {
  bytes = std::max(bytes, kSmallestArena);
  ArenaGeometry geometry;
  const std::uint64_t even = bytes / kUsualSegments / kPage * kPage;
  geometry.segment_bytes = static_cast<std::uint32_t>(
      std::clamp<std::uint64_t>(even, kSmallestSegment, kLargestSegment));
  // A small arena serves small programs: slots take at most an eighth of it.
  geometry.thread_count = static_cast<std::uint32_t>(
      std::clamp<std::uint64_t>(bytes / 16 / sizeof(abi::ThreadSlot), 64, kMostSegments));
  geometry.process_count = static_cast<std::uint32_t>(
      std::clamp<std::uint64_t>(bytes / 16 / sizeof(abi::ProcessSlot), 32, 1024));
  lay_out(geometry);
  // A page less, which the headers of the segments may need to end on one.
  const std::uint64_t left = bytes - std::min(bytes, geometry.segments_offset + kPage);
  geometry.segment_count = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(
      left / (geometry.segment_bytes + sizeof(abi::SegmentHeader)), 4, kMostSegments));
  lay_out(geometry);
  return geometry;
}

Arena::Arena(Arena&& other) noexcept { *this = std::move(other); }

Arena& Arena::operator=(Arena&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(base_, other.base_);
  std::swap(geometry_, other.geometry_);
  std::swap(clock_, other.clock_);
  std::swap(flags_, other.flags_);
  return *this;
}

Arena::~Arena() {
  if (base_ != nullptr) ::munmap(base_, geometry_.arena_bytes);
}

abi::ProcessSlot& Arena::process(std::uint32_t slot) {
  return reinterpret_cast<abi::ProcessSlot*>(at(geometry_.processes_offset))[slot];
}

abi::ThreadSlot& Arena::thread(std::uint32_t slot) {
  return reinterpret_cast<abi::ThreadSlot*>(at(geometry_.threads_offset))[slot];
}

abi::SegmentHeader& Arena::segment(std::uint32_t index) {
  return reinterpret_cast<abi::SegmentHeader*>(at(geometry_.segment_headers_offset))[index];
}

std::byte* Arena::bytes(std::uint32_t segment) {
  return at(geometry_.segments_offset + std::uint64_t{segment} * geometry_.segment_bytes);
}

tl::expected<Arena, Error> Arena::create(const SessionDirectory& directory,
                                         const ArenaGeometry& geometry, const StampClock& clock,
                                         std::uint32_t flags) {
  Arena arena;
  arena.path_ = directory.shared_file("arena");
  const std::string unpublished = arena.path_ + ".new";
  const auto file = allocate_file(unpublished, geometry.arena_bytes);
  if (!file) return tl::unexpected(file.error());
  void* base = ::mmap(nullptr, geometry.arena_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, *file, 0);
  const int error = errno;
  ::close(*file);
  if (base == MAP_FAILED) {
    errno = error;
    return tl::unexpected(Error{"cannot map " + unpublished + ": " + errno_text()});
  }
  arena.base_ = base;
  arena.geometry_ = geometry;
  arena.clock_ = clock;
  arena.flags_ = flags;
  fill_header(*new (base) abi::ArenaHeader{}, geometry, clock, directory.notes(), flags);
  if (::rename(unpublished.c_str(), arena.path_.c_str()) != 0) {
    return tl::unexpected(Error{"cannot publish " + arena.path_ + ": " + errno_text()});
  }
  return arena;
}

tl::expected<Arena, Error> Arena::open(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) return tl::unexpected(Error{"cannot open the arena " + path + ": " + errno_text()});
  struct stat status {};
  const bool known = ::fstat(file, &status) == 0;
  const auto file_bytes = static_cast<std::uint64_t>(status.st_size);
  if (!known || file_bytes < sizeof(abi::ArenaHeader)) {
    ::close(file);
    return tl::unexpected(Error{path + " is too short to be an arena"});
  }
  void* base = ::mmap(nullptr, file_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  const int error = errno;
  ::close(file);
  errno = error;
  if (base == MAP_FAILED) return tl::unexpected(Error{"cannot map " + path + ": " + errno_text()});

  Arena arena;
  arena.path_ = path;
  arena.base_ = base;
  arena.geometry_.arena_bytes = file_bytes;  // for munmap, should the checks below fail
  const abi::ArenaHeader& header = arena.header();
  if (header.magic != abi::kArenaMagic || header.abi_version != abi::kAbiVersion) {
    return tl::unexpected(Error{path + " is not an arena of this version of reprise; recover it "
                                       "with the version that recorded it"});
  }
  const ArenaGeometry published = published_geometry(header);
  if (!is_consistent(published, file_bytes) || published.arena_bytes != file_bytes) {
    return tl::unexpected(Error{path + " is damaged: its header does not describe the file"});
  }
  arena.geometry_ = published;
  arena.clock_ = stamp_clock_of(header);
  arena.flags_ = header.flags;
  return arena;
}

tl::expected<PlacedSession, Error> place_session(const SessionNotes& notes,
                                                 const ArenaPlacement& placement,
                                                 std::uint32_t flags) {
  const StampClock clock = calibrate_stamp_clock();
  std::string last_problem;
  for (const Candidate& candidate : candidates(placement)) {
    auto directory = SessionDirectory::create(candidate.parent, notes);
    if (!directory) {
      last_problem = directory.error().message;
      continue;
    }
    const ArenaGeometry geometry = ArenaGeometry::for_bytes(candidate.bytes);
    auto arena = Arena::create(*directory, geometry, clock, flags);
    if (arena) {
      return PlacedSession{std::move(*directory), std::move(*arena),
                           remark_on(candidate, placement)};
    }
    last_problem = arena.error().message;
    directory->remove();
  }
  return tl::unexpected(Error{no_room_message(placement, last_problem)});
}

}  // namespace reprise::recorder
