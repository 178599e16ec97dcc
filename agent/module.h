// The loaded objects: Module records, and which code is a TLS or crypto library's own.
//
// Threading: record_modules on one thread at a time is enough; two at once write some records
// twice.
#pragma once

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

// Whether `caller` is code of a TLS or crypto library: what it draws is key material or the like,
// which is neither recorded nor answered.
[[nodiscard]] bool is_crypto_code(const void* caller);

}  // namespace reprise::agent
