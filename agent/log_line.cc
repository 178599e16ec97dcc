#include "agent/log_line.h"

#include "agent/record.h"

namespace reprise::agent {

void write_log(Thread& thread, abi::Stream stream, Gather bytes, std::size_t length,
               std::uint64_t enter) {
  flush_log_line(thread);
  if (length == 0) return;
  write_parts<abi::Log>(thread, abi::RecordType::kLog, enter, static_cast<std::uint8_t>(stream),
                        bytes, length, false,
                        [](Record<abi::Log>& record, std::uint64_t, std::uint32_t part) {
                          record->length = part;
                          record->reserved = 0;
                        });
}

void write_log_character(Thread& thread, abi::Stream stream, char character) {
  if (thread.slot == nullptr) return;
  if (thread.line_stream != stream) flush_log_line(thread);
  thread.line_stream = stream;
  thread.line[thread.line_length++] = character;
  if (character == '\n' || thread.line_length == kLineBytes) flush_log_line(thread);
}

void flush_log_line(Thread& thread) {
  const std::uint16_t length = thread.line_length;
  if (length == 0) return;
  thread.line_length = 0;
  write_log(thread, thread.line_stream, {thread.line, length}, length, stamp());
}

}  // namespace reprise::agent
