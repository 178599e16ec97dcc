// A server that forks its workers beforehand; they accept from one listener and each serves one
// connection at a time. Workers end with the program that forked them.
#pragma once

#include "tests/zoo/thread_server.h"

namespace zoo {

// Serves for ever.
[[noreturn]] void ServePreforked(int workers, const Handler& handler);

}  // namespace zoo
