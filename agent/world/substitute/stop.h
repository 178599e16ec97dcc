// Where the debugger stops: a function of this name that does nothing.
#pragma once

#include <cstdint>

// Called by the thread that read the first bytes of `exchange` (the recorded number), when its mark
// says kStopHere. The bytes are in the service's buffer; the read is about to return.
extern "C" [[gnu::visibility("default"), gnu::noinline]] void reprise_stop_here(
    std::uint64_t exchange);

namespace reprise::agent {

inline void stop_here(std::uint64_t exchange) { reprise_stop_here(exchange); }

}  // namespace reprise::agent
