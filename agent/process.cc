#include "agent/process.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/module.h"
#include "agent/payload.h"
#include "agent/record.h"
#include "agent/scratch.h"
#include "agent/system_call.h"
#include "agent/world/world.h"

namespace reprise::agent {

constinit Process* process_state = nullptr;

namespace {

constinit Thread* threads_state = nullptr;
constinit std::uint32_t thread_capacity = 0;

// Not emptied by a fork: a child that no hook announced learns here whose child it is.
constinit std::uint32_t last_process = abi::kNone;
constinit std::uint32_t last_image = 0;

// Fills the slot's plain fields; it is this process's from here on.
void fill_process_slot(abi::ProcessSlot& slot, std::uint32_t parent, std::uint32_t ordinal,
                       std::uint32_t image) {
  slot.pid = static_cast<std::int32_t>(system_call(SYS_getpid));
  slot.parent = parent;
  slot.ordinal = ordinal;
  slot.image.store(image, std::memory_order_relaxed);
  slot.children.store(0, std::memory_order_relaxed);
  slot.threads.store(0, std::memory_order_relaxed);
  slot.agent_abi = abi::kAbiVersion;
  slot.started_stamp = stamp();
  slot.uncaptured_execs.store(0, std::memory_order_relaxed);
}

std::uint32_t claim_process_slot() {
  for (std::uint32_t index = 0; index < arena().header->process_count; ++index) {
    auto expected = abi::ProcessState::kFree;
    if (arena().processes[index].state.compare_exchange_strong(
            expected, abi::ProcessState::kClaimed, std::memory_order_acquire)) {
      return index;
    }
  }
  arena().header->unslotted_processes.fetch_add(1, std::memory_order_relaxed);
  return abi::kNone;
}

void become(std::uint32_t index) {
  Process& self = process();
  self.pid = static_cast<std::int32_t>(system_call(SYS_getpid));
  self.index = index;
  self.slot = index == abi::kNone ? nullptr : &arena().processes[index];
  self.next_hint = 0;
  last_process = index;
  last_image = self.slot == nullptr ? 0 : self.slot->image.load(std::memory_order_relaxed);
}

// The live slot of this pid, for programs whose environment was emptied on the way.
std::uint32_t slot_of_pid(std::int32_t pid) {
  for (std::uint32_t index = 0; index < arena().header->process_count; ++index) {
    const abi::ProcessState state = arena().processes[index].state.load(std::memory_order_acquire);
    if ((state == abi::ProcessState::kLive || state == abi::ProcessState::kExecuting) &&
        arena().processes[index].pid == pid) {
      return index;
    }
  }
  return abi::kNone;
}

// "SLOT" or "SLOT:ORDINAL", as written by the parent; ordinal 0 when it gave none.
struct HandedOn {
  std::uint32_t slot = abi::kNone;
  std::uint32_t ordinal = 0;
};

HandedOn parse_handed_on(const char* text) {
  HandedOn parsed;
  if (text == nullptr || *text < '0' || *text > '9') return parsed;
  std::uint32_t slot = 0;
  for (; *text >= '0' && *text <= '9'; ++text)
    slot = slot * 10 + static_cast<std::uint32_t>(*text - '0');
  if (slot >= arena().header->process_count) return parsed;
  parsed.slot = slot;
  if (*text++ != ':') return parsed;
  for (; *text >= '0' && *text <= '9'; ++text) {
    parsed.ordinal = parsed.ordinal * 10 + static_cast<std::uint32_t>(*text - '0');
  }
  return parsed;
}

// The threads of the image that this one replaced are gone with it.
void end_threads_of_former_image(std::uint32_t index) {
  for (std::uint32_t i = 0; i < arena().header->thread_count; ++i) {
    abi::ThreadSlot& slot = arena().threads[i];
    if (slot.process != index) continue;
    auto expected = abi::ThreadClaim::kLive;
    slot.claim.compare_exchange_strong(expected, abi::ThreadClaim::kEnded,
                                       std::memory_order_acq_rel);
  }
}

// The slot this image goes on with after an exec, or a fresh one as somebody's child or the root.
void claim_image_slot(const char* handed_on) {
  const auto pid = static_cast<std::int32_t>(system_call(SYS_getpid));
  HandedOn given = parse_handed_on(handed_on);
  if (given.slot == abi::kNone || arena().processes[given.slot].pid != pid) {
    if (const std::uint32_t own = slot_of_pid(pid); own != abi::kNone) given = {own, 0};
  }
  if (given.slot != abi::kNone && arena().processes[given.slot].pid == pid) {
    abi::ProcessSlot& slot = arena().processes[given.slot];
    end_threads_of_former_image(given.slot);
    slot.image.fetch_add(1, std::memory_order_relaxed);
    slot.threads.store(0, std::memory_order_relaxed);
    become(given.slot);
    return;
  }
  const auto parent_pid = static_cast<std::int32_t>(system_call(SYS_getppid));
  if (given.slot == abi::kNone || arena().processes[given.slot].pid != parent_pid) {
    if (const std::uint32_t parent = slot_of_pid(parent_pid); parent != abi::kNone) {
      given = {parent, given.slot == parent ? given.ordinal : 0};
    }
  }
  const std::uint32_t index = claim_process_slot();
  if (index != abi::kNone) {
    std::uint32_t ordinal = given.ordinal;
    if (given.slot != abi::kNone && ordinal == 0) {
      ordinal = arena().processes[given.slot].children.fetch_add(1, std::memory_order_relaxed) + 1;
    }
    fill_process_slot(arena().processes[index], given.slot, ordinal, 0);
  }
  become(index);
}

std::size_t read_file(const char* path, char* to, std::size_t size) {
  const long fd = system_call(SYS_openat, AT_FDCWD, address_of(path), O_RDONLY | O_CLOEXEC);
  if (failed(fd)) return 0;
  std::size_t length = 0;
  while (length < size) {
    const long got =
        system_call(SYS_read, fd, address_of(to + length), static_cast<long>(size - length));
    if (failed(got) || got == 0) break;
    length += static_cast<std::size_t>(got);
  }
  system_call(SYS_close, fd);
  return length;
}

// The path of the executable, ended by a zero; its length with the zero.
std::size_t read_executable_path(char* to, std::size_t size) {
  const long length = system_call(SYS_readlinkat, AT_FDCWD, address_of("/proc/self/exe"),
                                  address_of(to), static_cast<long>(size - 1));
  const std::size_t used = failed(length) ? 0 : static_cast<std::size_t>(length);
  to[used] = '\0';
  return used + 1;
}

void write_process_start(Thread& thread, bool with_arguments) {
  const std::uint64_t enter = stamp();
  const Scratch scratch(std::size_t{256} * 1024);
  if (scratch.start() == nullptr) return;
  const std::size_t path = read_executable_path(scratch.start(), 4096);
  const std::size_t rest = with_arguments ? read_file("/proc/self/cmdline", scratch.start() + path,
                                                      scratch.size() - path)
                                          : 0;
  std::uint32_t arguments = 0;
  for (std::size_t i = path; i < path + rest; ++i) {
    if (scratch.start()[i] == '\0') ++arguments;
  }
  const Process& self = process();
  const std::uint64_t exit = stamp();
  Gather gather(scratch.start(), path + rest);
  write_parts<abi::ProcessStart>(
      thread, abi::RecordType::kProcessStart, enter, 0, gather, path + rest, false,
      [&](Record<abi::ProcessStart>& record, std::uint64_t, std::uint32_t) {
        record->exit = exit;
        record->process = self.index;
        record->image = last_image;
        record->pid = self.pid;
        record->parent_pid = static_cast<std::int32_t>(system_call(SYS_getppid));
        record->arguments = arguments;
        record->reserved = 0;
      });
}

void write_environment(Thread& thread) {
  std::size_t total = 0;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    total += strlen(*variable) + 1;
  }
  const Scratch scratch(total + 1);
  if (scratch.start() == nullptr) return;
  char* to = scratch.start();
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::size_t length = strlen(*variable) + 1;
    memcpy(to, *variable, length);
    to += length;
  }
  Gather gather(scratch.start(), total);
  write_parts<NoBody>(thread, abi::RecordType::kEnvironment, stamp(), 0, gather, total, false,
                      [](Record<NoBody>&, std::uint64_t, std::uint32_t) {});
}

// Makes the calling thread the main thread of what has just been registered.
Thread& enter_main_thread() {
  Thread* thread = claim_thread(nullptr);
  if (thread == nullptr) thread = &thread_at(abi::kNone);
  // Not before it has a thread: a live process without one would be taken for one that rests.
  if (process().slot != nullptr) {
    process().slot->state.store(abi::ProcessState::kLive, std::memory_order_release);
  }
  thread_local_state.current = thread;
  thread->open = 1;
  return *thread;
}

}  // namespace

bool map_wiped_memory(std::uint32_t threads) {
  const std::size_t process_bytes = 4096;
  const std::size_t bytes = process_bytes + (std::size_t{threads} + 1) * sizeof(Thread);
  const long result = system_call(SYS_mmap, 0, static_cast<long>(bytes), PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (failed(result)) return false;
  if (failed(system_call(SYS_madvise, result, static_cast<long>(bytes), MADV_WIPEONFORK))) {
    system_call(SYS_munmap, result, static_cast<long>(bytes));
    return false;
  }
  process_state = reinterpret_cast<Process*>(result);
  threads_state = reinterpret_cast<Thread*>(result + static_cast<long>(process_bytes));
  thread_capacity = threads;
  return true;
}

Thread& thread_at(std::uint32_t index) {
  if (index < thread_capacity) return threads_state[index];
  Thread& counting = threads_state[thread_capacity];
  counting.index = abi::kNone;
  counting.creator = abi::kNone;
  return counting;
}

void register_image(const char* handed_on) {
  claim_image_slot(handed_on);
  Thread& thread = enter_main_thread();
  write_process_start(thread, true);
  write_environment(thread);
  record_modules(thread);
  enter_thread(thread);
}

std::uint32_t claim_child() {
  if (process().slot == nullptr) return 0;
  const std::uint32_t index = claim_process_slot();
  if (index == abi::kNone) return 0;
  abi::ProcessSlot& slot = arena().processes[index];
  slot.parent = process().index;
  slot.ordinal = next_child_ordinal();
  return index + 1;
}

void release_child(std::uint32_t claimed) {
  if (claimed == 0) return;
  arena().processes[claimed - 1].state.store(abi::ProcessState::kFree, std::memory_order_release);
}

void register_child(std::uint32_t claimed) {
  const std::uint32_t parent = last_process;
  const std::uint32_t image = last_image;
  std::uint32_t index = claimed - 1;
  std::uint32_t ordinal = 0;
  if (claimed != 0) {
    ordinal = arena().processes[index].ordinal;
  } else {
    index = claim_process_slot();
    if (parent != abi::kNone) {
      ordinal = arena().processes[parent].children.fetch_add(1, std::memory_order_relaxed) + 1;
    }
  }
  if (index != abi::kNone) fill_process_slot(arena().processes[index], parent, ordinal, image);
  become(index);
  Thread& thread = enter_main_thread();
  world::forked(thread);
  write_process_start(thread, false);
  enter_thread(thread);
}

std::uint32_t next_child_ordinal() {
  return process().slot->children.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace reprise::agent
