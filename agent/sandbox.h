// What the service forbids itself by seccomp holds for the agent's own system calls, too: from then
// on each is asked of the service's filters before it is made, and left out where they do not allow
// it. The caller is told EPERM and does without.
//
// Not known: filters that an earlier image or a program that started this one has installed.
//
// Threading: any thread. What one thread forbids itself is held against all of the process.
#pragma once

#include <cstdint>

#include "agent/thread.h"

namespace reprise::agent {

// Whether prctl or seccomp, by its number and arguments, installs a filter.
[[nodiscard]] bool installs_sandbox(long number, const long* arguments);

// Makes that call for the service: what it forbids is learnt, and whether that leaves the agent
// what it needs is recorded, while everything is still allowed. The C library's convention.
long install_sandbox(Thread& thread, long number, const long* arguments);

}  // namespace reprise::agent
