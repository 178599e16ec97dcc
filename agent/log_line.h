// Lines the service writes to its standard output and error.
//
// What write() puts out becomes a record at once. Text that goes through stdio comes in pieces (an
// ostream makes one of each operand, putc one of each character); they gather in the thread until
// the line ends, the buffer is full, or the thread turns to other work.
//
// Threading: the calling thread's own Thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "agent/abi/records.h"
#include "agent/payload.h"
#include "agent/thread.h"

namespace reprise::agent {

// `length` bytes that went out in one call.
void write_log(Thread& thread, abi::Stream stream, Gather bytes, std::size_t length,
               std::uint64_t enter);

// A piece of text, and what the call put behind it ("" or "\n").
void gather_log(Thread& thread, abi::Stream stream, const char* text, std::size_t length,
                const char* end, std::uint64_t enter);

// Writes out what gathered.
void write_gathered_log(Thread& thread);
inline void flush_log_line(Thread& thread) {
  if (thread.line_length != 0) [[unlikely]]
    write_gathered_log(thread);
}

}  // namespace reprise::agent
