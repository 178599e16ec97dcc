#include "agent/world/substitute/control.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "agent/system_call.h"

namespace reprise::agent {
namespace {

constinit Control process_control;

bool is_control(const void* base, std::uint64_t file_bytes) {
  const auto& header = *static_cast<const abi::ControlHeader*>(base);
  return header.magic == abi::kControlMagic && header.abi_version == abi::kAbiVersion &&
         header.control_bytes <= file_bytes;
}

}  // namespace

Control& control() { return process_control; }

bool Control::attach(const char* path) {
  const long fd = system_call(SYS_openat, AT_FDCWD, address_of(path), O_RDWR | O_CLOEXEC);
  if (fd < 0) {
    return false;
  }
  struct stat status = {};
  void* base = nullptr;
  if (system_call(SYS_fstat, fd, address_of(&status)) == 0 &&
      static_cast<std::uint64_t>(status.st_size) >= sizeof(abi::ControlHeader)) {
    const long mapped =
        system_call(SYS_mmap, 0, status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    base = failed(mapped) ? nullptr : reinterpret_cast<void*>(mapped);
  }
  system_call(SYS_close, fd);
  if (base == nullptr) {
    return false;
  }
  if (!is_control(base, static_cast<std::uint64_t>(status.st_size))) {
    system_call(SYS_munmap, address_of(base), status.st_size);
    return false;
  }
  base_ = base;
  return true;
}

abi::Link* Control::link(std::uint32_t number) const {
  return number < header().link_count ? abi::links(base_) + number : nullptr;
}

abi::Mailbox* Control::mailbox(std::uint32_t thread) const {
  return thread < header().mailbox_count ? abi::mailboxes(base_) + thread : nullptr;
}

abi::Gate* Control::gate(std::uint32_t thread) const {
  return thread < header().mailbox_count ? abi::gates(base_) + thread : nullptr;
}

const abi::TapeEntry* Control::entry(std::uint32_t number) const {
  return number < header().entry_count ? abi::tape_entries(base_) + number : nullptr;
}

}  // namespace reprise::agent
