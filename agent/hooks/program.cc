// Programs that the service becomes or starts (exec, posix_spawn), and its orderly ends.
//
// Every new program gets an environment that carries the agent, whatever the service put into it.
// Arguments of the list forms and environments are copied on the stack: in the child of a vfork
// there is nothing else.
#include <alloca.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/environment.h"
#include "agent/executable.h"
#include "agent/hooks/hook.h"
#include "agent/lifecycle.h"
#include "agent/log_line.h"
#include "agent/original.h"
#include "agent/process.h"
#include "agent/record.h"
#include "agent/thread.h"

namespace reprise::agent {

extern "C" {
int hook_execve(const char* path, char* const* arguments, char* const* environment)
    REPRISE_HOOK(execve);
int hook_execv(const char* path, char* const* arguments) REPRISE_HOOK(execv);
int hook_execvp(const char* name, char* const* arguments) REPRISE_HOOK(execvp);
int hook_execvpe(const char* name, char* const* arguments, char* const* environment)
    REPRISE_HOOK(execvpe);
int hook_execl(const char* path, const char* first, ...) REPRISE_HOOK(execl);
int hook_execlp(const char* name, const char* first, ...) REPRISE_HOOK(execlp);
int hook_execle(const char* path, const char* first, ...) REPRISE_HOOK(execle);
int hook_fexecve(int fd, char* const* arguments, char* const* environment) REPRISE_HOOK(fexecve);
int hook_execveat(int directory, const char* path, char* const* arguments, char* const* environment,
                  int flags) REPRISE_HOOK(execveat);
int hook_posix_spawn(pid_t* pid, const char* path, const posix_spawn_file_actions_t* actions,
                     const posix_spawnattr_t* attributes, char* const* arguments,
                     char* const* environment) REPRISE_HOOK(posix_spawn);
int hook_posix_spawnp(pid_t* pid, const char* name, const posix_spawn_file_actions_t* actions,
                      const posix_spawnattr_t* attributes, char* const* arguments,
                      char* const* environment) REPRISE_HOOK(posix_spawnp);
[[noreturn]] void hook__exit(int code) REPRISE_HOOK(_exit);
[[noreturn]] void hook__Exit(int code) REPRISE_HOOK_ALIAS(_Exit, _exit);
[[noreturn]] void hook_quick_exit(int code) REPRISE_HOOK(quick_exit);
}

namespace {

void record_exec(Thread& thread, bool capturable, int error) {
  if (Record<abi::Exec> record{thread, abi::RecordType::kExec, stamp()}) {
    record->capturable = capturable ? 1 : 0;
    record->error = error;
    record.commit();
  }
}

void set_process_state(abi::ProcessState state) {
  if (process().slot != nullptr) process().slot->state.store(state, std::memory_order_release);
}

void count_uncaptured(bool capturable, std::uint64_t by) {
  if (capturable || process().slot == nullptr) return;
  process().slot->uncaptured_execs.fetch_add(by, std::memory_order_relaxed);
}

// Whether this process has a session; also true in the child of a vfork, for the parent's.
bool in_session() {
  (void)this_thread();
  return agent_liveness.load(std::memory_order_relaxed) == Liveness::kLive && process().pid != 0;
}

// A child that takes no slot before it has loaded the agent. Told before it is made, so that it can
// have written nothing yet.
std::uint32_t announce_child(Thread* maker) {
  if (process().slot == nullptr) return 0;
  const std::uint32_t ordinal = next_child_ordinal();
  if (maker == nullptr) return ordinal;
  const std::uint64_t now = stamp();
  if (Record<abi::Fork> record{*maker, abi::RecordType::kFork, now}) {
    record->exit = now;
    record->child = abi::kNone;
    record->ordinal = ordinal;
    record->child_pid = 0;
    record->error = 0;
    record.commit();
  }
  return ordinal;
}

// `call(environment)` executes; it comes back only when that failed.
template <typename Call>
[[gnu::noinline]] int execute(bool capturable, char* const* environment, Call call) {
  Thread* thread = this_thread();
  // In the child of a vfork the program is a child of this process, whose thread sleeps and lends
  // its stream; else it goes on as this process.
  const std::uint32_t ordinal = thread == nullptr ? announce_child(thread_local_state.parked) : 0;
  auto** place =
      static_cast<char**>(alloca(CarryingEnvironment::pointers_for(environment) * sizeof(char*)));
  const CarryingEnvironment carrying(environment, place, ordinal);
  count_uncaptured(capturable, 1);
  if (thread != nullptr) {
    flush_log_line(*thread);
    record_exec(*thread, capturable, 0);
    set_process_state(abi::ProcessState::kExecuting);
  }
  const int result = call(carrying.get());
  const int error = errno;
  count_uncaptured(capturable, ~std::uint64_t{0});
  if (thread != nullptr) {
    set_process_state(abi::ProcessState::kLive);
    record_exec(*thread, capturable, error);
  }
  errno = error;
  return result;
}

template <typename Call>
int spawn(bool capturable, char* const* environment, Call call) {
  const std::uint32_t ordinal = announce_child(this_thread());
  auto** place =
      static_cast<char**>(alloca(CarryingEnvironment::pointers_for(environment) * sizeof(char*)));
  const CarryingEnvironment carrying(environment, place, ordinal);
  count_uncaptured(capturable, 1);
  const int error = call(carrying.get());
  if (error != 0) count_uncaptured(capturable, ~std::uint64_t{0});
  return error;
}

// Number of arguments of a list form, the final null included.
std::size_t count_arguments(const char* first, va_list arguments) {
  std::size_t count = 1;
  for (const char* argument = first; argument != nullptr;
       argument = va_arg(arguments, const char*)) {
    ++count;
  }
  return count;
}

// Copies them to `place`, with the final null.
void copy_arguments(const char* first, va_list arguments, char** place) {
  const char* argument = first;
  for (; argument != nullptr; argument = va_arg(arguments, const char*)) {
    *place++ = const_cast<char*>(argument);
  }
  *place = nullptr;
}

}  // namespace

int hook_execve(const char* path, char* const* arguments, char* const* environment) {
  if (!in_session()) return original().execve(path, arguments, environment);
  return execute(can_load_agent(AT_FDCWD, path), environment,
                 [=](char** carrying) { return original().execve(path, arguments, carrying); });
}

int hook_execv(const char* path, char* const* arguments) {
  return hook_execve(path, arguments, environ);
}

int hook_execvpe(const char* name, char* const* arguments, char* const* environment) {
  if (!in_session()) return original().execvpe(name, arguments, environment);
  return execute(can_load_agent_in_path(name), environment,
                 [=](char** carrying) { return original().execvpe(name, arguments, carrying); });
}

int hook_execvp(const char* name, char* const* arguments) {
  return hook_execvpe(name, arguments, environ);
}

int hook_fexecve(int fd, char* const* arguments, char* const* environment) {
  if (!in_session()) return original().fexecve(fd, arguments, environment);
  // The descriptor itself is asked: an empty path relative to it would need a flag that open lacks.
  return execute(true, environment,
                 [=](char** carrying) { return original().fexecve(fd, arguments, carrying); });
}

int hook_execveat(int directory, const char* path, char* const* arguments, char* const* environment,
                  int flags) {
  if (!in_session()) return original().execveat(directory, path, arguments, environment, flags);
  return execute(can_load_agent(directory, path), environment, [=](char** carrying) {
    return original().execveat(directory, path, arguments, carrying, flags);
  });
}

// The list forms: the arguments are counted, copied to the stack, and passed on as a vector.
#define REPRISE_COLLECT_ARGUMENTS(first, list)                                                  \
  va_list list;                                                                                 \
  va_start(list, first);                                                                        \
  auto** arguments = static_cast<char**>(alloca(count_arguments(first, list) * sizeof(char*))); \
  va_end(list);                                                                                 \
  va_start(list, first);                                                                        \
  copy_arguments(first, list, arguments)

int hook_execl(const char* path, const char* first, ...) {
  REPRISE_COLLECT_ARGUMENTS(first, list);
  va_end(list);
  return hook_execve(path, arguments, environ);
}

int hook_execlp(const char* name, const char* first, ...) {
  REPRISE_COLLECT_ARGUMENTS(first, list);
  va_end(list);
  return hook_execvpe(name, arguments, environ);
}

int hook_execle(const char* path, const char* first, ...) {
  REPRISE_COLLECT_ARGUMENTS(first, list);
  char* const* environment = va_arg(list, char* const*);
  va_end(list);
  return hook_execve(path, arguments, environment);
}
#undef REPRISE_COLLECT_ARGUMENTS

int hook_posix_spawn(pid_t* pid, const char* path, const posix_spawn_file_actions_t* actions,
                     const posix_spawnattr_t* attributes, char* const* arguments,
                     char* const* environment) {
  if (!in_session()) {
    return original().posix_spawn(pid, path, actions, attributes, arguments, environment);
  }
  return spawn(can_load_agent(AT_FDCWD, path), environment, [=](char** carrying) {
    return original().posix_spawn(pid, path, actions, attributes, arguments, carrying);
  });
}

int hook_posix_spawnp(pid_t* pid, const char* name, const posix_spawn_file_actions_t* actions,
                      const posix_spawnattr_t* attributes, char* const* arguments,
                      char* const* environment) {
  if (!in_session()) {
    return original().posix_spawnp(pid, name, actions, attributes, arguments, environment);
  }
  return spawn(can_load_agent_in_path(name), environment, [=](char** carrying) {
    return original().posix_spawnp(pid, name, actions, attributes, arguments, carrying);
  });
}

void hook__exit(int code) {
  if (Thread* thread = this_thread()) write_exit(*thread, code);
  original()._exit(code);
  __builtin_unreachable();
}

void hook_quick_exit(int code) {
  if (Thread* thread = this_thread()) write_exit(*thread, code);
  original().quick_exit(code);
  __builtin_unreachable();
}

}  // namespace reprise::agent
