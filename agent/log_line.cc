#include "agent/log_line.h"

#include <string.h>

#include "agent/record.h"

namespace reprise::agent {
namespace {

void record_log(Thread& thread, abi::Stream stream, Gather bytes, std::size_t length,
                std::uint64_t enter) {
  if (length == 0) return;
  write_parts<abi::Log>(thread, abi::RecordType::kLog, enter, static_cast<std::uint8_t>(stream),
                        bytes, length, false,
                        [](Record<abi::Log>& record, std::uint64_t, std::uint32_t part) {
                          record->length = part;
                          record->reserved = 0;
                        });
}

}  // namespace

void write_log(Thread& thread, abi::Stream stream, Gather bytes, std::size_t length,
               std::uint64_t enter) {
  flush_log_line(thread);
  record_log(thread, stream, bytes, length, enter);
}

void gather_log(Thread& thread, abi::Stream stream, const char* text, std::size_t length,
                const char* end, std::uint64_t enter) {
  // The Thread of those without a slot is shared, and its lines would be mixed.
  if (thread.slot == nullptr) return;
  if (thread.line_stream != stream) flush_log_line(thread);
  thread.line_stream = stream;
  const std::size_t end_length = strlen(end);
  const bool ends_line = end_length > 0 || (length > 0 && text[length - 1] == '\n');
  if (!ends_line && thread.line_length + length <= kLineBytes) {
    memcpy(thread.line + thread.line_length, text, length);
    thread.line_length = static_cast<std::uint16_t>(thread.line_length + length);
    return;
  }
  const iovec parts[] = {{thread.line, thread.line_length},
                         {const_cast<char*>(text), length},
                         {const_cast<char*>(end), end_length}};
  thread.line_length = 0;
  record_log(thread, stream, {parts, 3}, total_bytes(parts, 3), enter);
}

void write_gathered_log(Thread& thread) {
  const std::uint16_t length = thread.line_length;
  thread.line_length = 0;
  record_log(thread, thread.line_stream, {thread.line, length}, length, stamp());
}

}  // namespace reprise::agent
