#include "archive/journal_page.h"

#include "archive/little_endian.h"
#include "archive/record.h"

namespace reprise::archive {

JournalPage::JournalPage() { clear(); }

// Notes and runs hold stamps as they are: the base of the payload is 0.
void JournalPage::clear() {
  payload_.clear();
  store_le(payload_.reserve(kPayloadBaseBytes), std::uint64_t{0});
  payload_.commit(kPayloadBaseBytes);
  entries_ = 0;
  run_begin_ = 0;
}

void JournalPage::add(const journal::Note& note) {
  close_run();
  encode(note, 0, payload_);
  ++entries_;
}

void JournalPage::add_record(std::uint32_t slot, std::uint64_t position,
                             std::span<const std::uint8_t> record) {
  const bool joins = run_begin_ != 0 && run_slot_ == slot && run_end_ == position &&
                     payload_.size() - run_begin_ + record.size() < kMaxRecordBytes;
  if (!joins) {
    close_run();
    run_begin_ = payload_.size();
    run_slot_ = slot;
    begin_run(slot, position, payload_);
    ++entries_;
  }
  payload_.append(record.data(), record.size());
  run_end_ = position + record.size();
}

void JournalPage::add_reference(std::uint32_t slot, std::uint64_t position,
                                std::span<const std::uint8_t> head, std::uint64_t content) {
  close_run();
  encode(JournalReference{slot, position, content, head}, payload_);
  ++entries_;
}

void JournalPage::add_earlier(std::uint32_t slot, std::uint64_t position,
                              std::span<const std::uint8_t> head, std::uint64_t content) {
  close_run();
  encode(JournalEarlier{slot, position, content, head}, payload_);
  ++entries_;
}

void JournalPage::close_run() {
  if (run_begin_ != 0) end_record(run_begin_, payload_);
  run_begin_ = 0;
}

std::span<const std::uint8_t> JournalPage::payload() {
  close_run();
  return payload_.view();
}

}  // namespace reprise::archive
