#include "agent/original.h"

#include "agent/hot.h"
#include "agent/link_map.h"

namespace reprise::agent {

alignas(64) constinit Originals original_table{};
REPRISE_HOT constinit std::atomic<bool> originals_resolved = false;

void resolve_originals() {
#define REPRISE_RESOLVE(name) \
  original_table.name = reinterpret_cast<decltype(original_table.name)>(find_next_function(#name));
  REPRISE_ORIGINALS(REPRISE_RESOLVE)
#undef REPRISE_RESOLVE
  originals_resolved.store(true, std::memory_order_release);
}

}  // namespace reprise::agent
