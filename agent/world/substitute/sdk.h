// What the substitute world keeps for the SDK (sdk.cc). Threading: the thread's own.
#pragma once

#include "agent/thread.h"

namespace reprise::agent {

// The thread makes no more calls: closes the connection they went over.
void end_sdk_calls(Thread& thread);

}  // namespace reprise::agent
