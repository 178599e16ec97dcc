// System calls made by number, and threads made without pthread_create.
//
// syscall() with a number that has a hook goes to the hook. Calls whose kernel form differs from
// the C library's (ppoll, pselect6, epoll_pwait) are made and not recorded. io_uring is answered
// ENOSYS: nothing that goes through its rings could be recorded, and programs that use it fall back
// to calls that can.
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include <type_traits>
#include <utility>

#include "agent/arena_mapping.h"
#include "agent/hooks/clock.h"
#include "agent/hooks/descriptor_life.h"
#include "agent/hooks/hook.h"
#include "agent/hooks/random.h"
#include "agent/hooks/readiness.h"
#include "agent/hooks/socket.h"
#include "agent/hooks/stream_io.h"
#include "agent/lifecycle.h"
#include "agent/original.h"
#include "agent/sandbox.h"
#include "agent/system_call.h"
#include "agent/thread.h"
#include "agent/world/world.h"

namespace reprise::agent {

extern "C" long hook_syscall(long number, ...) REPRISE_HOOK(syscall);

namespace {

struct Arguments {
  long at[6];

  template <typename Value>
  [[nodiscard]] Value as(int i) const {
    if constexpr (std::is_pointer_v<Value>) {
      return reinterpret_cast<Value>(at[i]);
    } else {
      return static_cast<Value>(at[i]);
    }
  }
};

// Calls a hook with the arguments its type asks for.
template <typename Result, typename... Parameters>
long call_hook(Result (*hook)(Parameters...), const Arguments& arguments) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return static_cast<long>(hook(arguments.as<Parameters>(static_cast<int>(I))...));
  }
  (std::index_sequence_for<Parameters...>{});
}

// Draws name who asked, which is not this file.
long dispatch_draw(long number, const Arguments& a, const void* caller) {
  switch (number) {
    case SYS_clock_gettime:
      return read_clock(a.as<clockid_t>(0), a.as<timespec*>(1), caller);
    case SYS_gettimeofday:
      return read_time_of_day(a.as<timeval*>(0), a.as<void*>(1), caller);
    case SYS_time:
      return read_seconds(a.as<time_t*>(0), caller);
    default:
      return draw_kernel_random(a.as<void*>(0), a.as<std::size_t>(1), a.as<unsigned>(2), caller);
  }
}

// The hook of a variadic function, which takes its argument as a pointer.
long call_fcntl(const Arguments& a) {
  return hook_fcntl(a.as<int>(0), a.as<int>(1), a.as<void*>(2));
}

long dispatch_bytes(long number, const Arguments& a) {
  switch (number) {
    case SYS_read:
      return call_hook(hook_read, a);
    case SYS_readv:
      return call_hook(hook_readv, a);
    case SYS_recvfrom:
      return call_hook(hook_recvfrom, a);
    case SYS_recvmsg:
      return call_hook(hook_recvmsg, a);
    case SYS_recvmmsg:
      return call_hook(hook_recvmmsg, a);
    case SYS_write:
      return call_hook(hook_write, a);
    case SYS_writev:
      return call_hook(hook_writev, a);
    case SYS_sendto:
      return call_hook(hook_sendto, a);
    case SYS_sendmsg:
      return call_hook(hook_sendmsg, a);
    case SYS_sendmmsg:
      return call_hook(hook_sendmmsg, a);
    case SYS_sendfile:
      return call_hook(hook_sendfile, a);
    case SYS_splice:
      return call_hook(hook_splice, a);
    default:
      return world::call_by_number(number, a.at);
  }
}

long dispatch(long number, const Arguments& a, const void* caller) {
  switch (number) {
    case SYS_clock_gettime:
    case SYS_gettimeofday:
    case SYS_time:
    case SYS_getrandom:
      return dispatch_draw(number, a, caller);
    case SYS_socket:
      return call_hook(hook_socket, a);
    case SYS_socketpair:
      return call_hook(hook_socketpair, a);
    case SYS_listen:
      return call_hook(hook_listen, a);
    case SYS_accept:
      return call_hook(hook_accept, a);
    case SYS_accept4:
      return call_hook(hook_accept4, a);
    case SYS_connect:
      return call_hook(hook_connect, a);
    case SYS_getsockopt:
      return call_hook(hook_getsockopt, a);
    case SYS_shutdown:
      return call_hook(hook_shutdown, a);
    case SYS_close:
      return call_hook(hook_close, a);
    case SYS_close_range:
      return call_hook(hook_close_range, a);
    case SYS_dup:
      return call_hook(hook_dup, a);
    case SYS_dup2:
      return call_hook(hook_dup2, a);
    case SYS_dup3:
      return call_hook(hook_dup3, a);
    case SYS_fcntl:
      return call_fcntl(a);
    case SYS_epoll_ctl:
      return call_hook(hook_epoll_ctl, a);
    case SYS_epoll_wait:
      return call_hook(hook_epoll_wait, a);
    case SYS_poll:
      return call_hook(hook_poll, a);
    case SYS_select:
      return call_hook(hook_select, a);
    default:
      return dispatch_bytes(number, a);
  }
}

}  // namespace

long hook_syscall(long number, ...) {
  Arguments a{};
  va_list list;
  va_start(list, number);
  for (long& argument : a.at) argument = va_arg(list, long);
  va_end(list);
  Thread* thread = this_thread();
  if (thread == nullptr) return world::call_by_number(number, a.at);
  if (number == SYS_io_uring_setup) {
    errno = ENOSYS;
    return -1;
  }
  if (installs_sandbox(number, a.at)) return install_sandbox(*thread, number, a.at);
  if (number == SYS_exit_group) write_exit(*thread, a.as<int>(0));
  return dispatch(number, a, REPRISE_CALLER());
}

// A task that shares this one's memory and thread-local storage is seen as this thread. The child
// of a clone that is a vfork is dealt with as one (hooks/process.cc); beside any other neither can
// be told from the other, and the thread is not recorded any more.
extern "C" [[gnu::visibility("hidden"), gnu::used]] void* reprise_before_clone(int (*)(void*),
                                                                               void*,
                                                                               unsigned flags) {
  Thread* thread = this_thread();
  const bool shares = (flags & CLONE_VM) != 0 && (flags & CLONE_SETTLS) == 0;
  if (thread != nullptr && shares) {
    if ((flags & CLONE_VFORK) != 0) {
      thread_local_state.parked = thread;
      thread_local_state.current = nullptr;
    } else {
      arena().header->raw_clones.fetch_add(1, std::memory_order_relaxed);
      leave_thread(*thread);
    }
  }
  return reinterpret_cast<void*>(original().clone);
}

}  // namespace reprise::agent

// The hook does not stand between: it may return twice, and arguments beyond the sixth stay in
// place.
__asm__(R"(
  .text
  .globl clone
  .globl __clone
  .type clone, @function
  .type __clone, @function
clone:
__clone:
  .cfi_startproc
  endbr64
  pushq   %rdi
  .cfi_adjust_cfa_offset 8
  pushq   %rsi
  .cfi_adjust_cfa_offset 8
  pushq   %rdx
  .cfi_adjust_cfa_offset 8
  pushq   %rcx
  .cfi_adjust_cfa_offset 8
  pushq   %r8
  .cfi_adjust_cfa_offset 8
  pushq   %r9
  .cfi_adjust_cfa_offset 8
  subq    $8, %rsp
  .cfi_adjust_cfa_offset 8
  call    reprise_before_clone
  movq    %rax, %r11
  addq    $8, %rsp
  .cfi_adjust_cfa_offset -8
  popq    %r9
  .cfi_adjust_cfa_offset -8
  popq    %r8
  .cfi_adjust_cfa_offset -8
  popq    %rcx
  .cfi_adjust_cfa_offset -8
  popq    %rdx
  .cfi_adjust_cfa_offset -8
  popq    %rsi
  .cfi_adjust_cfa_offset -8
  popq    %rdi
  .cfi_adjust_cfa_offset -8
  xorl    %eax, %eax
  jmp     *%r11
  .cfi_endproc
  .size clone, . - clone
  .size __clone, . - __clone
)");
