// Signal dispositions: what the service sets is what it sees again, and the agent stands before it.
#include <errno.h>
#include <signal.h>

#include "agent/hooks/hook.h"
#include "agent/signals.h"
#include "agent/thread.h"

namespace reprise::agent {

using Handler = void (*)(int);

extern "C" {
int hook_sigaction(int number, const struct sigaction* action, struct sigaction* former)
    REPRISE_HOOK(sigaction);
int hook___sigaction(int number, const struct sigaction* action, struct sigaction* former)
    REPRISE_HOOK_ALIAS(__sigaction, sigaction);
Handler hook_signal(int number, Handler handler) REPRISE_HOOK(signal);
Handler hook___sysv_signal(int number, Handler handler) REPRISE_HOOK(__sysv_signal);
Handler hook_sysv_signal(int number, Handler handler)
    REPRISE_HOOK_ALIAS(sysv_signal, __sysv_signal);
}

namespace {

Handler set_handler(int number, Handler handler, int flags, bool block_itself) {
  struct sigaction action {};
  struct sigaction former {};
  if (handler == SIG_ERR) {
    errno = EINVAL;
    return SIG_ERR;
  }
  action.sa_handler = handler;
  action.sa_flags = flags;
  if (block_itself && sigaddset(&action.sa_mask, number) != 0) return SIG_ERR;
  return hook_sigaction(number, &action, &former) == 0 ? former.sa_handler : SIG_ERR;
}

}  // namespace

int hook_sigaction(int number, const struct sigaction* action, struct sigaction* former) {
  return set_signal_action(this_thread(), number, action, former);
}

// BSD's meaning, the C library's default (source: signal(2)).
Handler hook_signal(int number, Handler handler) {
  return set_handler(number, handler, SA_RESTART, true);
}

// System V's meaning.
Handler hook___sysv_signal(int number, Handler handler) {
  return set_handler(number, handler, static_cast<int>(SA_RESETHAND | SA_NODEFER), false);
}

}  // namespace reprise::agent
