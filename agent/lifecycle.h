// Start-up and end of the agent in this process image (agent/agent.cc).
//
// Threading: any thread; the first one starts it.
#pragma once

#include "agent/thread.h"

namespace reprise::agent {

// Starts the agent unless that was tried. False when it stands aside: no arena, one it cannot use,
// or somebody is at it right now.
bool start_agent();

// Writes the record of an orderly end with this code.
void write_exit(Thread& thread, int code);

// Registers for the ends of threads; false when ends are only seen of threads made by
// pthread_create.
bool prepare_thread_ends();

}  // namespace reprise::agent
