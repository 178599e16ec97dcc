#include "agent/testing/test_arena.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include <cstring>

namespace reprise::agent::testing {
namespace {

std::uint64_t round_up(std::uint64_t bytes, std::uint64_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

[[noreturn]] void fail(const char* what) {
  perror(what);
  abort();
}

// What a compact record stands for.
SeenRecord whole_of(const std::byte* start) {
  abi::Compact compact;
  memcpy(&compact, start, sizeof compact);
  const std::byte* const other = start - std::size_t{8} * compact.back;
  const auto& header = *reinterpret_cast<const abi::RecordHeader*>(other);
  const std::uint32_t later = compact.later >> 3;
  SeenRecord seen{0, 0, compact.type, compact.flags, header.source, header.enter, {}};
  if (compact.type == abi::RecordType::kClock) {
    abi::Clock clock;
    memcpy(&clock, other + sizeof header, sizeof clock);
    clock.value_ns += later;
    seen.content = {reinterpret_cast<const char*>(&clock), sizeof clock};
  } else {
    abi::SendIntent intent;
    memcpy(&intent, other + sizeof header, sizeof intent);
    const abi::SendResult result{
        header.enter + later, intent.socket, intent.offset, intent.length, 0, 0};
    seen.content = {reinterpret_cast<const char*>(&result), sizeof result};
  }
  return seen;
}

// Body and tail, with what a brief record names in its place.
std::string content_of(const abi::RecordHeader& record) {
  const char* const start = reinterpret_cast<const char*>(&record);
  const std::size_t size = record.size.load() - record.padding;
  std::string content(start + sizeof(record), size - sizeof(record));
  if ((record.flags & abi::kBrief) == 0) return content;
  abi::Earlier earlier;
  memcpy(&earlier, start + size - sizeof earlier, sizeof earlier);
  content.resize(content.size() - sizeof earlier);
  return content.append(start - earlier.back, earlier.length);
}

}  // namespace

std::uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

TestArena::TestArena(const ArenaOptions& options) {
  const std::uint64_t processes = round_up(sizeof(abi::ArenaHeader), 4096);
  const std::uint64_t threads = processes + options.processes * sizeof(abi::ProcessSlot);
  const std::uint64_t headers = round_up(threads + options.threads * sizeof(abi::ThreadSlot), 4096);
  const std::uint64_t segments =
      round_up(headers + options.segments * sizeof(abi::SegmentHeader), 4096);
  bytes_ = segments + std::uint64_t{options.segments} * options.segment_bytes;

  // Shared memory, as in a session: a disk would write it back all the time.
  char path[] = "/dev/shm/reprise-test-arena-XXXXXX";
  const int fd = mkstemp(path);
  if (fd < 0) fail(path);
  path_ = path;
  if (posix_fallocate(fd, 0, static_cast<off_t>(bytes_)) != 0) fail("posix_fallocate");
  base_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (base_ == MAP_FAILED) fail("mmap");

  abi::ArenaHeader& fresh = header();
  fresh.magic = abi::kArenaMagic;
  fresh.abi_version = options.abi_version;
  fresh.flags = options.flags;
  fresh.arena_bytes = bytes_;
  fresh.process_count = options.processes;
  fresh.thread_count = options.threads;
  fresh.segment_count = options.segments;
  fresh.segment_bytes = options.segment_bytes;
  fresh.processes_offset = processes;
  fresh.threads_offset = threads;
  fresh.segment_headers_offset = headers;
  fresh.segments_offset = segments;
  fresh.stamp_source = abi::StampSource::kTsc;
  fresh.recorder_pid = static_cast<std::uint32_t>(getpid());
  fresh.stamp_epoch = __rdtsc();
  fresh.monotonic_epoch_ns = monotonic_ns();
  fresh.heartbeat_ns = monotonic_ns();
  for (std::uint32_t i = 0; i < options.segments; ++i) {
    fresh.free_map[i / 64].fetch_or(std::uint64_t{1} << (i % 64));
  }
}

TestArena::~TestArena() {
  munmap(base_, bytes_);
  unlink(path_.c_str());
}

// True when every record of a sealed segment was taken over.
bool TestArena::drain_segment(std::uint32_t index) {
  abi::SegmentHeader& segment = abi::segment_headers(base_)[index];
  const std::uint32_t sealed = segment.sealed.load(std::memory_order_acquire);
  const std::uint32_t end = sealed != 0 ? sealed - 1 : header().segment_bytes;
  std::uint32_t& at = read_[index];
  while (at + sizeof(abi::Compact) <= end) {
    const std::byte* start = abi::segment_bytes(base_, index) + at;
    const auto& record = *reinterpret_cast<const abi::RecordHeader*>(start);
    const std::uint32_t size = abi::record_size(record.size.load(std::memory_order_acquire));
    if (size == 0) break;
    if (size == sizeof(abi::Compact)) {
      records_.push_back(whole_of(start));
    } else {
      records_.push_back(
          {0, 0, record.type, record.flags, record.source, record.enter, content_of(record)});
    }
    records_.back().thread = segment.thread;
    records_.back().process = segment.process;
    at += size;
  }
  return sealed != 0 && at == end;
}

void TestArena::free_segment(std::uint32_t index) {
  abi::SegmentHeader& segment = abi::segment_headers(base_)[index];
  memset(abi::segment_bytes(base_, index), 0, header().segment_bytes);
  read_.erase(index);
  segment.published.store(0, std::memory_order_relaxed);
  header().free_map[index / 64].fetch_or(std::uint64_t{1} << (index % 64));
  header().segments_freed.fetch_add(1);
  syscall(SYS_futex, &header().segments_freed, FUTEX_WAKE, 1 << 30, nullptr, nullptr, 0);
}

std::vector<std::uint32_t> TestArena::ended_threads() {
  std::vector<std::uint32_t> ended;
  for (std::uint32_t i = 0; i < header().thread_count; ++i) {
    if (thread(i).claim.load(std::memory_order_acquire) == abi::ThreadClaim::kEnded) {
      ended.push_back(i);
    }
  }
  return ended;
}

void TestArena::free_ended_threads(const std::vector<std::uint32_t>& ended) {
  for (const std::uint32_t i : ended) thread(i).claim.store(abi::ThreadClaim::kFree);
}

const std::vector<SeenRecord>& TestArena::drain() {
  header().heartbeat_ns.store(monotonic_ns());
  // Ends first: what a thread wrote before it ended is then seen below.
  const std::vector<std::uint32_t> ended = ended_threads();
  // Segments of one thread are to be read in their order.
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint32_t> order;
  for (std::uint32_t i = 0; i < header().segment_count; ++i) {
    const abi::SegmentHeader& segment = abi::segment_headers(base_)[i];
    if (segment.published.load(std::memory_order_acquire) == 0) continue;
    order[{segment.thread, segment.base_position}] = i;
  }
  for (const auto& [position, index] : order) {
    if (drain_segment(index)) free_segment(index);
  }
  free_ended_threads(ended);
  return records_;
}

void TestArena::discard() {
  header().heartbeat_ns.store(monotonic_ns());
  const std::vector<std::uint32_t> ended = ended_threads();
  for (std::uint32_t i = 0; i < header().segment_count; ++i) {
    const abi::SegmentHeader& segment = abi::segment_headers(base_)[i];
    if (segment.published.load(std::memory_order_acquire) != 0 &&
        segment.sealed.load(std::memory_order_acquire) != 0) {
      free_segment(i);
    }
  }
  free_ended_threads(ended);
}

std::vector<SeenRecord> TestArena::of(abi::RecordType type) {
  std::vector<SeenRecord> found;
  for (const SeenRecord& record : drain()) {
    if (record.type == type) found.push_back(record);
  }
  return found;
}

std::vector<abi::Cookie> TestArena::closed() {
  std::vector<abi::Cookie> found;
  for (const SeenRecord& record : of(abi::RecordType::kClose)) {
    found.push_back(record.body<abi::Close>().socket);
  }
  return found;
}

std::string_view name_of(abi::RecordType type) {
  static constexpr std::string_view kNames[] = {
      "none",        "ProcessStart", "Module",        "Fork",      "Exec",     "Exit",
      "FatalSignal", "Signal",       "ThreadStart",   "ThreadEnd", "HandOff",  "Listen",
      "Accept",      "Connect",      "ConnectResult", "Pair",      "Shutdown", "Close",
      "BytesIn",     "SendIntent",   "SendResult",    "FileRange", "Wait",     "Clock",
      "Random",      "Lookup",       "Log",           "Gap",       "Leak",     "Environment"};
  const auto index = static_cast<std::size_t>(type);
  return index < std::size(kNames) ? kNames[index] : "?";
}

}  // namespace reprise::agent::testing
