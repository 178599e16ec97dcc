// Waking the recorder (agent/abi/arena.h, `doorbell`).
//
// Threading: any thread.
#pragma once

#include <linux/futex.h>

#include <atomic>

#include "agent/arena_mapping.h"
#include "agent/system_call.h"

namespace reprise::agent {

// Wakes the recorder if it waits. Only with an arena.
inline void ring_doorbell() {
  abi::ArenaHeader& header = *arena().header;
  header.doorbell.fetch_add(1, std::memory_order_seq_cst);
  if (header.doorbell_armed.load(std::memory_order_seq_cst) == 0) return;
  system_call(SYS_futex, address_of(&header.doorbell), FUTEX_WAKE, 1);
}

}  // namespace reprise::agent
