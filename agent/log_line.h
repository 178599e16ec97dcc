// Lines the service writes to its standard output and error.
//
// Whole writes become records at once. Characters that are written one by one gather in the thread
// until the line ends, something else is written, or the buffer is full.
//
// Threading: the calling thread's own Thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "agent/abi/records.h"
#include "agent/payload.h"
#include "agent/thread.h"

namespace reprise::agent {

void write_log(Thread& thread, abi::Stream stream, Gather bytes, std::size_t length,
               std::uint64_t enter);
void write_log_character(Thread& thread, abi::Stream stream, char character);
void flush_log_line(Thread& thread);

}  // namespace reprise::agent
