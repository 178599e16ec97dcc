#include "agent/arena_mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "agent/hot.h"
#include "agent/original.h"
#include "agent/system_call.h"

namespace reprise::agent {

REPRISE_HOT constinit ArenaMapping arena_mapping;

namespace {

bool lies_within(std::uint64_t offset, std::uint64_t count, std::uint64_t size,
                 std::uint64_t total) {
  return offset <= total && count <= (total - offset) / size;
}

// Every offset is checked here once, so that nothing has to be checked later.
bool is_usable(const abi::ArenaHeader& header, std::uint64_t file_bytes) {
  return header.magic == abi::kArenaMagic && header.abi_version == abi::kAbiVersion &&
         header.arena_bytes <= file_bytes && header.process_count > 0 && header.thread_count > 0 &&
         header.segment_count > 0 && header.segment_count <= abi::kFreeMapWords * 64 &&
         header.segment_bytes >= 4096 && header.segment_bytes % 4096 == 0 &&
         lies_within(header.processes_offset, header.process_count, sizeof(abi::ProcessSlot),
                     header.arena_bytes) &&
         lies_within(header.threads_offset, header.thread_count, sizeof(abi::ThreadSlot),
                     header.arena_bytes) &&
         lies_within(header.segment_headers_offset, header.segment_count,
                     sizeof(abi::SegmentHeader), header.arena_bytes) &&
         lies_within(header.segments_offset, header.segment_count, header.segment_bytes,
                     header.arena_bytes);
}

}  // namespace

bool ArenaMapping::map(const char* path) {
  const long fd = system_call(SYS_openat, AT_FDCWD, address_of(path), O_RDWR | O_CLOEXEC);
  if (failed(fd)) return false;
  struct stat status;
  void* mapped = nullptr;
  std::uint64_t bytes = 0;
  if (!failed(system_call(SYS_fstat, fd, address_of(&status))) &&
      static_cast<std::uint64_t>(status.st_size) >= sizeof(abi::ArenaHeader)) {
    bytes = static_cast<std::uint64_t>(status.st_size);
    const long result = system_call(SYS_mmap, 0, static_cast<long>(bytes), PROT_READ | PROT_WRITE,
                                    MAP_SHARED, fd, 0);
    if (!failed(result)) mapped = reinterpret_cast<void*>(result);
  }
  system_call(SYS_close, fd);
  if (mapped == nullptr) return false;
  if (!is_usable(abi::arena_header(mapped), bytes)) {
    system_call(SYS_munmap, address_of(mapped), static_cast<long>(bytes));
    return false;
  }
  // Payloads in a core dump of the service would double it, and they are in the archive.
  system_call(SYS_madvise, address_of(mapped), static_cast<long>(bytes), MADV_DONTDUMP);
  base = mapped;
  header = &abi::arena_header(mapped);
  processes = abi::processes(mapped);
  threads = abi::threads(mapped);
  segment_headers = abi::segment_headers(mapped);
  segments = abi::segment_bytes(mapped, 0);
  segment_bytes = header->segment_bytes;
  tsc = header->stamp_source == abi::StampSource::kTsc;
  return true;
}

std::uint64_t monotonic_now_ns() {
  timespec now;
  original().clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace reprise::agent
