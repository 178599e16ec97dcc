#include "recorder/watched_journal.h"

#include <initializer_list>
#include <utility>

namespace reprise::recorder {
namespace {

constexpr std::uint64_t bits(std::initializer_list<abi::RecordType> types) {
  std::uint64_t all = 0;
  for (const abi::RecordType type : types) all |= type_bit(type);
  return all;
}

// Of which there is nothing to do about any.
constexpr std::uint64_t kUnwatched =
    bits({abi::RecordType::kWait, abi::RecordType::kClock, abi::RecordType::kRandom,
          abi::RecordType::kLog, abi::RecordType::kHandOff, abi::RecordType::kFileOpened});

template <typename Body>
abi::Cookie socket_of(const RecordView& record) {
  Body body;
  return record.read(body) ? body.socket : 0;
}

}  // namespace

WatchedJournal::WatchedJournal(archive::Writer& writer, CollectorSetting setting)
    : ticks_per_second_(setting.ticks_per_second),
      journal_(writer, *setting.surroundings, nullptr),
      collector_(nowhere_, std::move(setting)) {}

bool WatchedJournal::is_watched(const RecordView& record) {
  switch (record.type()) {
    case abi::RecordType::kConnect:
      called_.insert(socket_of<abi::Connect>(record));
      return true;
    case abi::RecordType::kClose:
      called_.erase(socket_of<abi::Close>(record));
      return true;
    case abi::RecordType::kBytesIn:
      return called_.contains(socket_of<abi::BytesIn>(record));
    case abi::RecordType::kSendIntent:
      return called_.contains(socket_of<abi::SendIntent>(record));
    case abi::RecordType::kSendResult:
      return called_.contains(socket_of<abi::SendResult>(record));
    case abi::RecordType::kFileRange:
      return called_.contains(socket_of<abi::FileRange>(record));
    default:
      return (kUnwatched & type_bit(record.type())) == 0;
  }
}

// --- From the drain ------------------------------------------------------------------------------

std::uint64_t WatchedJournal::on_thread(const ThreadIdentity& identity) {
  collector_.on_thread(identity);
  return journal_.on_thread(identity);
}

void WatchedJournal::on_run(const RecordRun& run) {
  journal_.on_run(run);
  if ((run.types & ~kUnwatched) == 0) return;
  each_record_in(run, ticks_per_second_, [&](std::uint64_t position, const RecordView& record) {
    if (is_watched(record)) collector_.on_record(run.slot, position, record);
  });
}

void WatchedJournal::on_loss(std::uint32_t slot, const StreamLoss& loss) {
  journal_.on_loss(slot, loss);
  collector_.on_loss(slot, loss);
}

void WatchedJournal::on_thread_gone(std::uint32_t slot) {
  journal_.on_thread_gone(slot);
  collector_.on_thread_gone(slot);
}

void WatchedJournal::on_process_gone(std::uint32_t slot) {
  journal_.on_process_gone(slot);
  collector_.on_process_gone(slot);
}

// --- From the session ----------------------------------------------------------------------------

void WatchedJournal::on_status(std::int32_t pid, event::ProcessExited exit) {
  journal_.on_status(pid, exit);
  collector_.on_status(pid, exit);
}

void WatchedJournal::on_gap(const std::string& reason, std::uint64_t records) {
  journal_.on_gap(reason, records);
  collector_.on_gap(reason, records);
}

void WatchedJournal::settled() {
  journal_.settled();
  collector_.settled();
}

void WatchedJournal::age() {
  journal_.age();
  collector_.age();
}

void WatchedJournal::finish() {
  journal_.finish();
  collector_.finish();
}

}  // namespace reprise::recorder
