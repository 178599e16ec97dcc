// The hooks that draw randomness, and what syscall() calls in their place.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "agent/hooks/hook.h"

namespace reprise::agent {

// What getrandom's hook does, for `caller`.
ssize_t draw_kernel_random(void* bytes, std::size_t length, unsigned flags, const void* caller);

extern "C" {
ssize_t hook_getrandom(void* bytes, std::size_t length, unsigned flags) REPRISE_HOOK(getrandom);
int hook_getentropy(void* bytes, std::size_t length) REPRISE_HOOK(getentropy);
std::uint32_t hook_arc4random() REPRISE_HOOK(arc4random);
void hook_arc4random_buf(void* bytes, std::size_t length) REPRISE_HOOK(arc4random_buf);
std::uint32_t hook_arc4random_uniform(std::uint32_t bound) REPRISE_HOOK(arc4random_uniform);

// unsigned std::random_device::_M_getval(): its generators are processor instructions as often as
// not, which no hook sees.
unsigned hook_random_device(void* self) REPRISE_HOOK(_ZNSt13random_device9_M_getvalEv);

// OpenSSL (source: RAND_bytes(3)). 1 on success.
int hook_RAND_bytes(unsigned char* bytes, int length) REPRISE_HOOK(RAND_bytes);
int hook_RAND_priv_bytes(unsigned char* bytes, int length) REPRISE_HOOK(RAND_priv_bytes);
int hook_RAND_bytes_ex(void* context, unsigned char* bytes, std::size_t length, unsigned strength)
    REPRISE_HOOK(RAND_bytes_ex);
int hook_RAND_priv_bytes_ex(void* context, unsigned char* bytes, std::size_t length,
                            unsigned strength) REPRISE_HOOK(RAND_priv_bytes_ex);
}
}  // namespace reprise::agent
