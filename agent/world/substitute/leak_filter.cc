#include "agent/world/substitute/leak_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "agent/system_call.h"
#include "agent/world/substitute/control.h"
#include "agent/world/substitute/mailbox.h"
#include "agent/world/substitute/token_call.h"

namespace reprise::agent {
namespace {

// What may pass only with the token.
constexpr std::uint32_t kWatched[] = {
    SYS_socket,        SYS_connect,         SYS_bind,         SYS_listen,
    SYS_accept,        SYS_accept4,         SYS_sendto,       SYS_sendmsg,
    SYS_sendmmsg,      SYS_recvfrom,        SYS_recvmsg,      SYS_recvmmsg,
    SYS_clock_gettime, SYS_gettimeofday,    SYS_time,         SYS_getrandom,
    SYS_nanosleep,     SYS_clock_nanosleep, SYS_setitimer,    SYS_alarm,
    SYS_epoll_wait,    SYS_epoll_pwait,     SYS_epoll_pwait2, SYS_poll,
    SYS_ppoll,         SYS_select,          SYS_pselect6,     SYS_timerfd_settime,
};
constexpr std::uint32_t kRefused[] = {SYS_io_uring_setup};

// The token is compared in halves, as the filter's machine has 32 bits; the page offset of the one
// instruction that carries it keeps a token left over in the register by accident from passing.
class Program {
 public:
  Program() {
    load(offsetof(seccomp_data, arch));
    jump_unless_equal(AUDIT_ARCH_X86_64, kToAllow);
    load(offsetof(seccomp_data, nr));
    for (const std::uint32_t number : kRefused) jump_if_equal(number, kToRefuse);
    for (const std::uint32_t number : kWatched) jump_if_equal(number, kToToken);
    jump_always(kToAllow);
    mark(kToToken);
    load(offsetof(seccomp_data, args[5]));
    jump_unless_equal(static_cast<std::uint32_t>(kCallToken), kToNotify);
    load(offsetof(seccomp_data, args[5]) + 4);
    jump_unless_equal(static_cast<std::uint32_t>(kCallToken >> 32), kToNotify);
    load(offsetof(seccomp_data, instruction_pointer));
    add({BPF_ALU | BPF_AND | BPF_K, 0, 0, kPageOffset});
    const auto instruction = reinterpret_cast<std::uintptr_t>(reprise_token_call_return);
    jump_unless_equal(static_cast<std::uint32_t>(instruction & kPageOffset), kToNotify);
    mark(kToAllow);
    add({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW});
    mark(kToNotify);
    add({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_USER_NOTIF});
    mark(kToRefuse);
    add({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS});
    for (std::uint16_t i = 0; i < count_; ++i) resolve(i);
  }

  sock_fprog get() { return {count_, code_}; }

 private:
  enum Label : std::uint8_t { kNowhere, kToAllow, kToToken, kToNotify, kToRefuse, kLabels };
  static constexpr std::uint32_t kPageOffset = 0xfff;
  static constexpr std::size_t kMost = 96;

  void add(sock_filter instruction) { code_[count_++] = instruction; }
  void load(std::size_t offset) {
    add({BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<std::uint32_t>(offset)});
  }
  void jump_if_equal(std::uint32_t value, Label target) {
    when_true_[count_] = target;
    add({BPF_JMP | BPF_JEQ | BPF_K, 0, 0, value});
  }
  void jump_unless_equal(std::uint32_t value, Label target) {
    when_false_[count_] = target;
    add({BPF_JMP | BPF_JEQ | BPF_K, 0, 0, value});
  }
  void jump_always(Label target) {
    when_true_[count_] = when_false_[count_] = target;
    add({BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 0});
  }
  void mark(Label label) { places_[label] = static_cast<std::uint8_t>(count_); }
  // Jumps count from the instruction behind them.
  void resolve(std::uint16_t at) {
    const auto distance = [&](Label label) {
      return static_cast<std::uint8_t>(label == kNowhere ? 0 : places_[label] - at - 1);
    };
    if (BPF_CLASS(code_[at].code) != BPF_JMP) return;
    code_[at].jt = distance(when_true_[at]);
    code_[at].jf = distance(when_false_[at]);
  }

  sock_filter code_[kMost] = {};
  Label when_true_[kMost] = {};
  Label when_false_[kMost] = {};
  std::uint8_t places_[kLabels] = {};
  std::uint16_t count_ = 0;
};

// The listener, or -errno.
long install() {
  Program program;
  const sock_fprog code = program.get();
  const auto attempt = [&] {
    return system_call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                       address_of(&code));
  };
  const long listener = attempt();
  if (listener != -EACCES) return listener;
  // Without privileges, only a process that can gain none may filter.
  system_call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1);
  return attempt();
}

bool hand_over(Thread& thread, long descriptor, bool rehearsal) {
  const abi::AskLeakWatch request = {static_cast<std::int32_t>(system_call(SYS_getpid)),
                                     static_cast<std::int32_t>(descriptor), rehearsal ? 1u : 0u, 0};
  const bool taken = ask(thread, abi::Ask::kLeakWatch, &request, sizeof request, nullptr, 0);
  system_call(SYS_close, descriptor);
  return taken;
}

bool install_watched(Thread& thread) {
  const long something = system_call(SYS_openat, AT_FDCWD, address_of("/"), O_PATH | O_CLOEXEC);
  if (failed(something) || !hand_over(thread, something, true)) return false;
  const long listener = install();
  return !failed(listener) && hand_over(thread, listener, false);
}

}  // namespace

bool is_watched(long number) {
  for (const std::uint32_t watched : kWatched) {
    if (static_cast<long>(watched) == number) return true;
  }
  return false;
}

void start_leak_watch(Thread& thread) {
  std::atomic<abi::LeakWatch>& state = control().header().leak_watch;
  auto wanted = abi::LeakWatch::kWanted;
  if (!state.compare_exchange_strong(wanted, abi::LeakWatch::kInstalling)) return;
  state.store(install_watched(thread) ? abi::LeakWatch::kOn : abi::LeakWatch::kUnavailable,
              std::memory_order_release);
}

}  // namespace reprise::agent
