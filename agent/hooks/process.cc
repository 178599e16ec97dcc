// Processes: fork and its kin, exec, orderly ends.
//
// vfork's child runs on the memory of its parent, which sleeps: the thread is parked before, so
// that hooks in the child only forward, and the parent's first hook after it takes the thread up
// again (agent/thread.cc). vfork returns twice through one frame, so its hook does not stand
// between either. system() and popen() clone inside the C library: their children are seen when
// they load the agent.
#include <errno.h>
#include <sys/types.h>
#include <unistd.h>

#include "agent/hooks/hook.h"
#include "agent/log_line.h"
#include "agent/original.h"
#include "agent/process.h"
#include "agent/record.h"
#include "agent/system_call.h"
#include "agent/thread.h"
#include "agent/world/world.h"

namespace reprise::agent {

extern "C" {
pid_t hook_fork() REPRISE_HOOK(fork);
pid_t hook___fork() REPRISE_HOOK_ALIAS(__fork, fork);
pid_t hook__Fork() REPRISE_HOOK(_Fork);
}

namespace {

pid_t fork_by(pid_t (*original_fork)()) {
  Thread* thread = this_thread();
  if (thread == nullptr) return original_fork();
  flush_log_line(*thread);
  const std::uint64_t enter = stamp();
  const std::uint32_t claimed = claim_child();
  const std::uint32_t ordinal = claimed == 0 ? 0 : arena().processes[claimed - 1].ordinal;
  thread_local_state.child_slot = claimed;
  world::forking(*thread);
  const pid_t child = original_fork();
  const int error = errno;
  if (child == 0) {
    (void)this_thread();  // registers the child, unless a handler of pthread_atfork had it done
    errno = error;
    return 0;
  }
  thread_local_state.child_slot = 0;
  if (child < 0) release_child(claimed);
  if (Record<abi::Fork> record{*thread, abi::RecordType::kFork, enter}) {
    record->exit = stamp();
    record->child = child < 0 ? abi::kNone : claimed - 1;
    record->ordinal = ordinal;
    record->child_pid = child;
    record->error = child < 0 ? error : 0;
    record.commit();
  }
  errno = error;
  return child;
}

}  // namespace

pid_t hook_fork() { return fork_by(original().fork); }

pid_t hook__Fork() { return fork_by(original()._Fork); }

extern "C" [[gnu::visibility("hidden"), gnu::used]] void* reprise_before_vfork() {
  if (Thread* thread = this_thread()) {
    thread_local_state.parked = thread;
    thread_local_state.current = nullptr;
  }
  return reinterpret_cast<void*>(original().vfork);
}

}  // namespace reprise::agent

__asm__(R"(
  .text
  .globl vfork
  .globl __vfork
  .type vfork, @function
  .type __vfork, @function
vfork:
__vfork:
  .cfi_startproc
  endbr64
  subq    $8, %rsp
  .cfi_adjust_cfa_offset 8
  call    reprise_before_vfork
  addq    $8, %rsp
  .cfi_adjust_cfa_offset -8
  jmp     *%rax
  .cfi_endproc
  .size vfork, . - vfork
  .size __vfork, . - __vfork
)");
