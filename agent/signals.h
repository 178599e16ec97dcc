// The service's signal handlers, behind one of the agent's.
//
// For each signal the service handles, the kernel is given on_signal(), which records the delivery
// and calls the service's handler; sigaction() goes on telling the service its own. Signals that
// would end the process are watched the same way while their disposition is the default: the end is
// recorded, then the default is restored and the signal happens again, so that status, core dump
// and faulting instruction are what they would have been.
//
// Threading: any thread, signal handlers included. Two threads that set the same signal at once get
// one of both, as they would without the agent.
#pragma once

#include <signal.h>

#include "agent/thread.h"

namespace reprise::agent {

// Once, at start: takes note of handlers that the program set before there was an agent, as the
// runtimes of sanitizers do, and stands before them. A copy of the agent's that met a bad address
// would be the program's fault else.
void stand_before_handlers();
// Watches the signals that end a process.
void watch_fatal_signals();
// Gives them back their default, for a process that will not be able to die of them otherwise.
void watch_no_ends();

// sigaction() as the service sees it. A null `thread` (in the child of a vfork) changes nothing of
// what this process remembers.
int set_signal_action(Thread* thread, int number, const struct sigaction* action,
                      struct sigaction* former);

// Calls the handler that the service set for the signal, if any, as the kernel would have; false
// when it set none. For a world that keeps a signal to itself (world::keeps_signal).
bool deliver_to_service(int number, siginfo_t* information, void* context);

}  // namespace reprise::agent
