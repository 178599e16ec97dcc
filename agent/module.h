// The loaded objects: Module records, and which code is a TLS or crypto library's own.
//
// Threading: record_modules on one thread at a time is enough; two at once write some records
// twice.
#pragma once

#include "agent/link_map.h"
#include "agent/thread.h"

namespace reprise::agent {

// Writes a Module record for each object that was not recorded yet.
void record_modules(Thread& thread);

// Called where a record names a caller: objects that were loaded since are recorded first.
inline void refresh_modules(Thread& thread) {
  if (thread.modules_changed == 0) [[likely]]
    return;
  thread.modules_changed = 0;
  record_modules(thread);
}

// The program's own code, where most draws come from.
[[gnu::visibility("hidden")]] extern constinit CodeRange program_code;

// Whether `caller` is code of a TLS or crypto library: what it draws is key material or the like,
// which is neither recorded nor answered.
[[nodiscard]] bool is_crypto_library_code(const void* caller);
[[nodiscard]] inline bool is_crypto_code(const void* caller) {
  if (program_code.holds(caller)) [[likely]]
    return false;
  return is_crypto_library_code(caller);
}

}  // namespace reprise::agent
