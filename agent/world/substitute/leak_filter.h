// The filter that notices system calls which did not come through a hook.
//
// A seccomp filter looks at every network, clock, random and waiting system call: one that carries
// the token (token_call.h) passes; any other is a leak, is handed to the replayer, counted and
// named there, and goes on (agent/abi/control.h, AskLeakWatch). No signal is involved, so nothing
// the service does with signals matters, debuggers see nothing of it, and programs that the service
// executes are watched from their first instruction.
//
// Not watched: read and write, which say nothing new of a descriptor that came through a hook; and
// calls on AF_UNIX sockets by the C library's own name service, which the replayer tells apart.
// io_uring is answered with ENOSYS, so that programs fall back to calls that can be seen.
//
// Threading: the main thread of the first process of a replay; everybody else finds it done.
#pragma once

#include "agent/thread.h"

namespace reprise::agent {

// Installs the filter if the replayer wants it and nobody did so yet. What fails is left in
// ControlHeader::leak_watch as kUnavailable, and the service runs unwatched.
void start_leak_watch(Thread& thread);

// Whether the filter looks at this system call.
[[nodiscard]] bool is_watched(long number);

}  // namespace reprise::agent
