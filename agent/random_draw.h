// Random draws: asked of the world, recorded.
//
// Threading: any thread.
#pragma once

#include <sys/types.h>

#include <cstddef>

#include "agent/abi/records.h"
#include "agent/world/world.h"

namespace reprise::agent {

// Draws `length` bytes for `caller`; `draw_original` as in world::random, whose result this
// returns. What the original asks the system for on the way is not recorded. A draw of a TLS or
// crypto library for itself goes straight to the original.
ssize_t draw_random(abi::RandomSource source, const void* caller, void* bytes, std::size_t length,
                    world::RandomOriginal draw_original, void* context);

// Whether a path names the kernel's random device.
[[nodiscard]] bool is_random_device_path(const char* path);

// read() on a descriptor of /dev/urandom or /dev/random.
ssize_t read_random_device(int fd, void* bytes, std::size_t length, const void* caller);

}  // namespace reprise::agent
