// Defining a hook.
//
// The function has a name of its own in C++ and the C library's in the symbol table, so that it
// does not clash with the declarations in the system's headers and another hook can call it:
//
//   extern "C" int hook_shutdown(int fd, int how) REPRISE_HOOK(shutdown);
//   int hook_shutdown(int fd, int how) { ... }
//
// A second name of the same function, in the file that defines it:
//
//   extern "C" int hook_open64(const char* path, int flags, ...) REPRISE_HOOK_ALIAS(open64, open);
//
// Every hook is listed in agent/exports.lds.
#pragma once

#define REPRISE_HOOK(name) __asm__(#name) __attribute__((visibility("default"), used))
#define REPRISE_HOOK_ALIAS(name, same) \
  __asm__(#name) __attribute__((visibility("default"), used, alias(#same)))

// The address in the service that this hook returns to.
#define REPRISE_CALLER() __builtin_extract_return_addr(__builtin_return_address(0))

// Ends a program whose fortified call would overflow its buffer, as the C library does.
extern "C" [[noreturn]] void __chk_fail();
