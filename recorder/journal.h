// Keeps a recording as cheaply as can be: records go into the archive's journal as the agent made
// them, and what they mean is worked out when somebody reads it (recorder/derivation.h).
//
// What only this moment can tell is noted between them: who wrote them, what was in a file that was
// sent by reference or read at start, who ended and how. So a journal is all that a collector
// needs.
//
// A recovery reads the journal of a killed recorder back first (take_up()), and goes on behind it.
//
// Ownership: borrows the writer, the surroundings and the observer. Threading: the session's
// thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "archive/journal_page.h"
#include "archive/reader.h"
#include "archive/writer.h"
#include "recorder/file_paths.h"
#include "recorder/keeper.h"
#include "recorder/surroundings.h"

namespace reprise::recorder {

// What can be said without understanding the traffic.
struct JournalCounts {
  std::uint64_t accepted = 0, opened = 0;  // connections
  std::uint64_t received = 0, sent = 0;    // bytes, of TLS in the clear
  std::uint64_t gaps = 0, dropped = 0;     // and the records lost in them
  std::uint64_t sandboxed = 0;             // processes that forbid system calls of the agent's
  std::uint64_t unread_tls = 0;            // connections that have ciphertext alone
};

class Journal final : public Keeper, private archive::JournalVisitor {
 public:
  // `signals`: told of signals that the service got, as events; may be null.
  Journal(archive::Writer& writer, Surroundings& surroundings, event::Observer* signals);

  // First in a new journal.
  void begin();
  // First in one that is gone on with: what an earlier recorder wrote.
  void take_up(archive::Reader& written) { written.read_journal(*this); }

  // --- From the drain
  std::uint64_t on_thread(const ThreadIdentity& identity) override;
  void on_run(const RecordRun& run) override;
  void on_loss(std::uint32_t slot, const StreamLoss& loss) override;
  void on_thread_gone(std::uint32_t slot) override;
  void on_process_gone(std::uint32_t slot) override;

  // --- From the session
  void on_status(std::int32_t pid, event::ProcessExited exit) override;
  void on_gap(const std::string& reason, std::uint64_t records) override;
  void hand_on() override;
  void settled() override {}
  void age() override { tick_due_ = true; }
  void finish() override;

  const JournalCounts& counts() const { return counts_; }

 private:
  // Identity and range of a piece of a file.
  using FileKey = std::array<std::uint64_t, 6>;
  struct ThreadPlace {
    bool known = false;
    ThreadIdentity identity;
    std::uint64_t end = 0;               // behind its last record here
    std::uint32_t intended = 0;          // bytes of its last SendIntent
    std::vector<abi::FileRange> ranges;  // whose sends have no result yet
    // What records of the page that is being filled may name: its stream without a gap since
    // `page_from`, and the places in `named`, which were added to that page.
    std::uint64_t page = 0;
    std::uint64_t page_from = 0;
    std::vector<std::uint64_t> named;
  };
  // Bytes of which the last are a stored content.
  struct Stored {
    std::size_t head = 0;  // bytes in front
    std::uint64_t content = 0;
  };

  void note(const archive::journal::Note& note);
  void write_page();
  bool has_room(std::size_t bytes) const;
  void keep(ThreadPlace& thread, const RecordRun& run);
  void keep(ThreadPlace& thread, std::uint64_t position, const RecordView& record);
  void write_record(ThreadPlace& thread, std::uint64_t position, const RecordView& record);
  std::optional<Stored> store(std::span<const std::uint8_t> payload);
  void go_on(ThreadPlace& thread, std::uint64_t position, std::size_t size);
  void name(ThreadPlace& thread, std::uint64_t position, const RecordView& record);
  void tick();
  ThreadPlace& place(std::uint32_t slot) {
    if (slot >= threads_.size()) threads_.resize(slot + 1);
    return threads_[slot];
  }
  void count(ThreadPlace& thread, const RecordView& record);
  void count_received(const RecordView& record);
  void count_told_gap(const ThreadPlace& thread, const RecordView& record);
  void count_gap(std::uint64_t records);
  void look_for_tls(abi::Cookie socket, std::span<const std::uint8_t> bytes);
  static bool goes_alone(const ThreadPlace& thread, const RecordView& record);
  // What must be noted before a record is written.
  void look_ahead(ThreadPlace& thread, const RecordView& record);
  void note_child(const RecordView& record);
  void note_start_file(const ThreadPlace& thread, const RecordView& record);
  void note_time_zone(const RecordView& record);
  void keep_range(ThreadPlace& thread, const RecordView& record);
  static std::optional<abi::FileRange> take_range(ThreadPlace& thread,
                                                  const abi::SendResult& result);
  void read_piece(const ThreadPlace& thread, const abi::FileRange& piece);
  void read_files(ThreadPlace& thread, const RecordView& record);
  void tell_signal(const RecordView& record);

  // --- What an earlier recorder wrote
  void on_run(const archive::JournalRun& run) override;
  void on_reference(const archive::JournalReference& reference) override;
  void on_earlier(const archive::JournalEarlier&) override {}
  void on_note(const archive::journal::Note& note) override;

  archive::Writer& writer_;
  Surroundings& surroundings_;
  event::Observer* signals_;
  archive::JournalPage page_;
  std::uint64_t page_number_ = 1;
  std::vector<ThreadPlace> threads_;  // by ThreadSlot
  FilePaths paths_;
  std::set<FileKey> noted_files_;  // of each FileRead
  FileKey latest_file_{};          // looked for last: as a rule the next is the same
  std::unordered_set<abi::Cookie> unread_tls_;
  std::unordered_set<std::string> sandboxed_;  // fork paths of processes
  JournalCounts counts_;
  std::uint64_t dropped_ = 0;  // records for which there was no room, not yet noted
  bool refused_ = false;       // the page was not taken
  bool tick_due_ = true;
};

}  // namespace reprise::recorder
