// Where the variables and the code lie that the hooks of every exchange use.
//
// After a system call little of the agent is left in the nearest caches, so a hook costs about as
// many misses as it touches lines and pages. What is marked lies side by side, whichever file has
// it:
//
//   REPRISE_HOT constinit DescriptorTable descriptor_table;
//   REPRISE_HOT_CODE ssize_t hook_read(int fd, void* buffer, std::size_t count) { ... }
//
// Variables only that are set at start-up, or nearly never: a line that changes is a miss for every
// thread.
#pragma once

#define REPRISE_HOT [[gnu::section("reprise_hot")]]
#define REPRISE_HOT_CODE [[gnu::section(".text.hot")]]
