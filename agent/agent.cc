// The agent: what of Reprise runs inside a service.
//
// Its rules. Each is enforced by a test beside this file or by the way it is built.
//
//  1. It fails open. Without an arena, with a full one, after the recorder's death, in a process it
//  does
//     not understand: hooks forward, and what was not recorded is counted where that is possible.
//  2. No hook allocates, takes a lock, calls dlsym or stdio, or throws, except as part of the C
//     function it stands for. Memory is mapped at start-up.
//  3. errno after a hook is the C function's. The agent's own system calls are raw and set none.
//  4. Hooks work in signal handlers, in the child of vfork, before this library's constructor and
//  after
//     a thread's end; where they cannot record, they forward.
//  5. A child of a fork never writes where its parent does.
//  6. What is sent is in the arena before the system call that sends it.
//  7. The capture library answers nothing in the service's place: what differs between the two
//     libraries is linked, not switched (agent/world/world.h).
//  8. It exports the functions it hooks and nothing else (agent/exports.lds).
//  9. Nothing in it needs the C++ runtime.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>

#include "agent/arena_mapping.h"
#include "agent/descriptor.h"
#include "agent/environment.h"
#include "agent/epoll_registry.h"
#include "agent/lifecycle.h"
#include "agent/link_map.h"
#include "agent/log_line.h"
#include "agent/original.h"
#include "agent/process.h"
#include "agent/record.h"
#include "agent/signals.h"
#include "agent/system_call.h"
#include "agent/world/world.h"

namespace reprise::agent {
namespace {

constinit std::atomic<bool> starting = false;
constinit bool constructed = false;

constexpr std::uint32_t kMostDescriptors = 1u << 20;
constexpr std::uint32_t kFewestDescriptors = 1u << 16;

const char* variable(char** environment, const char* name) {
  const std::size_t length = strlen(name);
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=') {
      return *environment + length + 1;
    }
  }
  return nullptr;
}

// The service may raise its soft limit up to the hard one, and with privileges that one too.
std::uint32_t descriptor_capacity() {
  rlimit limit{};
  if (failed(system_call(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, address_of(&limit)))) {
    return kFewestDescriptors;
  }
  if (limit.rlim_max > kMostDescriptors) return kMostDescriptors;
  return limit.rlim_max < kFewestDescriptors ? kFewestDescriptors
                                             : static_cast<std::uint32_t>(limit.rlim_max);
}

// What descriptors 1 and 2 are now is where the service logs, unless it is a connection.
void find_log_streams() {
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    if (failed(system_call(SYS_fcntl, fd, F_GETFD))) continue;
    if (DescriptorTable::holds_socket(descriptors().find(fd).kind)) continue;
    descriptors().open_other(
        fd, fd == STDOUT_FILENO ? DescriptorKind::kStdout : DescriptorKind::kStderr);
  }
}

// on_exit is given the code of exit() and of a return from main alike, which the hooks cannot see.
void at_exit(int code, void*) {
  if (Thread* thread = this_thread()) write_exit(*thread, code);
}

bool start(char** environment) {
  const char* path = variable(environment, abi::kArenaVariable);
  if (path == nullptr || *path == '\0' || !arena_mapping.map(path)) {
    world::start(environment);
    return false;
  }
  if (!map_wiped_memory(arena().header->thread_count)) return false;
  keep_carried_variables(environment);
  // Without the tables nothing is a socket: the process is seen, its connections are not.
  const std::uint32_t capacity = descriptor_capacity();
  if (descriptor_table.map(capacity)) epoll_registry.map(capacity);
  world::start(environment);
  prepare_thread_ends();
  agent_liveness.store(Liveness::kLive, std::memory_order_release);
  register_image(variable(environment, abi::kProcessVariable));
  find_log_streams();
  stand_before_handlers();
  watch_fatal_signals();
  on_exit(at_exit, nullptr);
  return true;
}

[[gnu::constructor]] void construct() {
  const int error = errno;
  constructed = true;
  (void)this_thread();
  errno = error;
}

}  // namespace

bool start_agent() {
  if (starting.exchange(true)) return false;
  // Before the dynamic linker has made its list nothing can be resolved, and before the C library
  // has set itself up there is no environment: try again at the next call.
  if (own_object() == nullptr || (environ == nullptr && !constructed)) {
    starting.store(false);
    return false;
  }
  resolve_originals();
  const bool live = start(environ);
  if (!live) agent_liveness.store(Liveness::kAside);
  return live;
}

void write_exit(Thread& thread, int code) {
  flush_log_line(thread);
  if (Record<abi::Exit> record{thread, abi::RecordType::kExit, stamp()}) {
    record->code = code;
    record->reserved = 0;
    record.commit();
  }
  if (process().slot != nullptr) {
    process().slot->state.store(abi::ProcessState::kExited, std::memory_order_release);
  }
  world::process_ending();
}

}  // namespace reprise::agent
