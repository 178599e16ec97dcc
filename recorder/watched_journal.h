// Keeps a replay that is acted on while it goes on, though nobody asks yet what it means: a journal
// of everything, and beside it a collector that is given only what there may be something to do
// about.
//
// That is which threads, processes and connections there are, and what is sent over connections
// that the service opened. What is received, sent and drawn for the clients, which is nearly all of
// it, is worked out when somebody reads the archive. So the collector knows of no exchange, and for
// whom a thread works cannot be asked.
//
// Ownership: borrows the writer and everything in CollectorSetting. Threading: the session's
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_set>

#include "archive/writer.h"
#include "recorder/archive_sink.h"
#include "recorder/collector.h"
#include "recorder/journal.h"
#include "recorder/keeper.h"

namespace reprise::recorder {

class WatchedJournal final : public Keeper {
 public:
  WatchedJournal(archive::Writer& writer, CollectorSetting setting);

  // First.
  void begin() { journal_.begin(); }

  // --- From the drain
  std::uint64_t on_thread(const ThreadIdentity& identity) override;
  void on_run(const RecordRun& run) override;
  void on_loss(std::uint32_t slot, const StreamLoss& loss) override;
  void on_thread_gone(std::uint32_t slot) override;
  void on_process_gone(std::uint32_t slot) override;

  // --- From the session
  void on_status(std::int32_t pid, event::ProcessExited exit) override;
  void on_gap(const std::string& reason, std::uint64_t records) override;
  void hand_on() override { journal_.hand_on(); }
  void settled() override;
  void age() override;
  void finish() override;

  Collector& collector() { return collector_; }
  const JournalCounts& counts() const { return journal_.counts(); }

 private:
  bool is_watched(const RecordView& record);

  const std::uint64_t ticks_per_second_;
  Journal journal_;
  ArchiveSink nowhere_{nullptr};  // what the collector makes is for its observers
  Collector collector_;
  std::unordered_set<abi::Cookie> called_;  // sockets that the service connected
};

}  // namespace reprise::recorder
