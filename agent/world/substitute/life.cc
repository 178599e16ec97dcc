// The substitute world's beginning and end in a process, and what its threads inherit.

#include <stddef.h>
#include <string.h>

#include "agent/arena_mapping.h"
#include "agent/doorbell.h"
#include "agent/original.h"
#include "agent/world/substitute/control.h"
#include "agent/world/substitute/leak_filter.h"
#include "agent/world/substitute/loopback.h"
#include "agent/world/substitute/originals.h"
#include "agent/world/substitute/sdk.h"
#include "agent/world/substitute/socket_state.h"
#include "agent/world/substitute/thread_state.h"
#include "agent/world/substitute/timers.h"
#include "agent/world/substitute/turn.h"
#include "agent/world/substitute/vdso.h"
#include "agent/world/world.h"

// glibc's heap, whoever defines malloc and free in this process (malloc/malloc.c; no header has
// them).
extern "C" void* __libc_malloc(size_t size);
extern "C" void __libc_free(void* memory);

namespace reprise::agent {
namespace {

// "REPRISE_CONTROL=…" as this process was given it, for the programs it executes.
constexpr std::size_t kLongestVariable = 512;
constinit char control_variable[kLongestVariable] = {};
constinit const char* inherited[2] = {nullptr, nullptr};

// How the thread that forks will say its child came to be. The child has a copy.
constinit thread_local ThreadOrigin fork_origin{};

const char* find_variable(char** environment, const char* name) {
  const std::size_t length = strlen(name);
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=') {
      return *environment;
    }
  }
  return nullptr;
}

void keep_control_variable(const char* variable) {
  const std::size_t length = strlen(variable);
  if (length >= kLongestVariable) return;
  memcpy(control_variable, variable, length + 1);
  inherited[0] = control_variable;
}

}  // namespace

namespace world {

void start(char** environment) {
  const char* variable = find_variable(environment, abi::kControlVariable);
  if (variable == nullptr || arena().base == nullptr) return;
  const char* path = variable + sizeof abi::kControlVariable;  // behind the '='
  if (!map_thread_states(arena().header->thread_count) ||
      !map_socket_states(descriptors().capacity()) || !control().attach(path)) {
    return;
  }
  keep_control_variable(variable);
  set_session_directory(path);
  carry_token_in_originals();
  // The C library draws the key of its heap when it is first used; that is no draw of the service.
  // By the heap's own name: another allocator may be the one whose start brought us here.
  __libc_free(__libc_malloc(1));
  send_vdso_to_kernel();
}

void forking(Thread& thread) {
  yield_horizon();
  fork_origin = origin_of_next(agent::state_of(thread));
}

void forked(Thread& thread) {
  forget_inherited_timers();
  if (ThreadState* state = raw_state_of(thread)) prepare_state(*state, fork_origin);
}

void creating_thread(Thread& creator, Thread& created) {
  yield_horizon();
  ThreadState* state = raw_state_of(created);
  if (state != nullptr) prepare_state(*state, origin_of_next(agent::state_of(creator)));
}

void thread_started(Thread& thread) {
  ThreadState* state = raw_state_of(thread);
  if (state == nullptr || !control().attached()) return;
  // A main thread, or one that no hook saw made.
  if (!state->prepared) prepare_state(*state, {});
  start_leak_watch(thread);
  take_turn(&thread, abi::kAwake);
}

void thread_ending(Thread& thread) {
  end_sdk_calls(thread);
  if (ThreadState* state = raw_state_of(thread)) state->prepared = false;
}

void process_ending() {
  if (control().attached()) ring_doorbell();
}

const char* const* inherited_variables() { return inherited; }

bool keeps_signal(int) { return false; }

bool keeps_sandbox_out() { return control().attached(); }

int close(Socket* /*socket*/, int fd) {
  if (control().attached()) {
    forget_timer({TimerKind::kDescriptor, static_cast<std::uint64_t>(fd)});
  }
  return original().close(fd);
}

}  // namespace world
}  // namespace reprise::agent
