// The payload of a journal block in the making: records go in one by one and join into runs, notes
// between them. Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "archive/byte_buffer.h"
#include "archive/journal.h"

namespace reprise::archive {

class JournalPage {
 public:
  JournalPage();

  void add(const journal::Note& note);
  // `record` is copied.
  void add_record(std::uint32_t slot, std::uint64_t position, std::span<const std::uint8_t> record);
  // The same of a record whose bytes behind `head` are a stored content.
  void add_reference(std::uint32_t slot, std::uint64_t position, std::span<const std::uint8_t> head,
                     std::uint64_t content);

  // Bytes of a thread's stream that records of this page name and that are not in it; they end with
  // a stored content if that is not 0.
  void add_earlier(std::uint32_t slot, std::uint64_t position, std::span<const std::uint8_t> head,
                   std::uint64_t content);

  // Whether there is anything in it.
  bool empty() const { return entries_ == 0; }
  std::size_t size() const { return payload_.size(); }
  // Runs, references, earlier bytes and notes.
  std::uint32_t entries() const { return entries_; }
  // Closes the run that is open.
  std::span<const std::uint8_t> payload();
  void clear();

 private:
  void close_run();

  ByteBuffer payload_;
  std::uint32_t entries_ = 0;
  std::size_t run_begin_ = 0;  // of the open run's record; 0 none
  std::uint32_t run_slot_ = 0;
  std::uint64_t run_end_ = 0;  // position behind the open run
};

}  // namespace reprise::archive
