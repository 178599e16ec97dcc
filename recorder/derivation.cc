#include "recorder/derivation.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "recorder/archive_sink.h"
#include "recorder/collector.h"
#include "recorder/journal_view.h"
#include "recorder/surroundings.h"

namespace reprise::recorder {
namespace {

namespace journal = archive::journal;

// Since then records were added to, and none was changed.
constexpr std::uint32_t kOldestRecordVersion = 1;

// What is kept in memory of contents that records refer to, and of records made whole again.
constexpr std::size_t kMostRecentBytes = 32u << 20;
constexpr std::size_t kMostAssembled = 256;

// What the journal says of the machine it was kept on.
class JournaledSurroundings final : public Surroundings {
 public:
  // Both are borrowed.
  JournaledSurroundings(archive::Reader& journal, Sink& sink) : journal_(journal), sink_(sink) {}

  void hear(const journal::Begun& note) { environment_ = note.environment; }
  void hear(const journal::Process& note) { processes_[note.slot] = to_identity(note); }
  void hear(const journal::FileRead& note) { files_[key_of(note)] = {note.content, note.why}; }
  void hear(const journal::StartFile& note) {
    (note.time_zone ? time_zone_ : start_file_) = note.file;
  }
  void hear(event::Stamp now) { now_ = std::max(now_, now); }

  ProcessIdentity identify(std::uint32_t slot) override {
    const auto known = processes_.find(slot);
    return known == processes_.end() ? ProcessIdentity{} : known->second;
  }
  event::Stamp now() override { return now_; }
  std::optional<std::uint64_t> content_of(const event::FileRangeSent& piece, std::int32_t,
                                          std::string& why) override;
  bool take_start_file(event::FileOpened& file, std::int32_t) override {
    const auto noted = std::exchange(start_file_, std::nullopt);
    if (!noted || noted->path != file.path) return false;
    file = *noted;
    return true;
  }
  std::optional<event::FileOpened> time_zone() override {
    return std::exchange(time_zone_, std::nullopt);
  }
  void start_is_over() override {}
  const std::vector<std::string>& environment() override { return environment_; }

  // Bytes that the journal has stored once; none when they are missing. Valid until the next call.
  std::optional<std::span<const std::uint8_t>> content(std::uint64_t number);

 private:
  using FileKey = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t,
                             std::uint64_t, std::uint64_t>;
  struct Read {
    std::optional<std::uint64_t> content;  // number in the journal
    std::string why;
  };

  template <typename Range>
  static FileKey key_of(const Range& range) {
    return {range.device,      range.inode,       range.file_size,
            range.modified_ns, range.file_offset, range.length};
  }
  std::optional<std::uint64_t> stored(std::uint64_t content);

  archive::Reader& journal_;
  Sink& sink_;
  event::Stamp now_;
  std::vector<std::string> environment_;
  std::map<std::uint32_t, ProcessIdentity> processes_;  // by slot
  std::map<FileKey, Read> files_;
  std::map<std::uint64_t, std::uint64_t> contents_;  // numbers in the journal and in the archive
  std::map<std::uint64_t, event::Bytes> recent_;     // contents that were referred to lately
  std::size_t recent_bytes_ = 0;
  std::optional<event::FileOpened> start_file_, time_zone_;
};

std::optional<std::uint64_t> JournaledSurroundings::content_of(const event::FileRangeSent& piece,
                                                               std::int32_t, std::string& why) {
  const auto read = files_.find(key_of(piece));
  if (read == files_.end()) {
    why = "the recorder ended before it read what was sent of " + piece.path;
    return std::nullopt;
  }
  why = read->second.why;
  if (!read->second.content) return std::nullopt;
  const auto number = stored(*read->second.content);
  if (!number) why = "what was read of " + piece.path + " is missing in the journal";
  return number;
}

std::optional<std::uint64_t> JournaledSurroundings::stored(std::uint64_t content) {
  const auto known = contents_.find(content);
  if (known != contents_.end()) return known->second;
  const auto bytes = journal_.content(content);
  if (!bytes) return std::nullopt;
  return contents_.emplace(content, sink_.store(*bytes)).first->second;
}

std::optional<std::span<const std::uint8_t>> JournaledSurroundings::content(std::uint64_t number) {
  const auto known = recent_.find(number);
  if (known != recent_.end()) return known->second;
  auto bytes = journal_.content(number);
  if (!bytes) return std::nullopt;
  if (recent_bytes_ > kMostRecentBytes) {
    recent_.clear();
    recent_bytes_ = 0;
  }
  recent_bytes_ += bytes->size();
  return recent_.emplace(number, *std::move(bytes)).first->second;
}

// Where the bytes of the threads' streams are that a page has. Records of the page may name them.
class PageStreams {
 public:
  // Bytes from `position` on: those at `head` and behind them a content, unless its number is 0.
  struct Piece {
    std::uint64_t position = 0;
    std::span<const std::uint8_t> head;
    std::uint64_t content = 0;
  };

  void add(std::uint32_t slot, const Piece& piece) {
    streams_[slot].insert_or_assign(piece.position, piece);
  }
  // The piece that the byte at `position` may be in, as far as its beginning tells; null for none.
  const Piece* find(std::uint32_t slot, std::uint64_t position) const {
    const auto stream = streams_.find(slot);
    if (stream == streams_.end()) return nullptr;
    const auto behind = stream->second.upper_bound(position);
    return behind == stream->second.begin() ? nullptr : &std::prev(behind)->second;
  }
  void clear() { streams_.clear(); }

 private:
  std::map<std::uint32_t, std::map<std::uint64_t, Piece>> streams_;  // by slot, by position
};

class Derivation final : public archive::JournalVisitor {
 public:
  Derivation(archive::Reader& journal, archive::Writer& archive)
      : ticks_per_second_(journal.header().stamps_per_second),
        sink_(&archive),
        surroundings_(journal, sink_),
        collector_(sink_, setting()) {}

  void on_run(const archive::JournalRun& run) override;
  void on_reference(const archive::JournalReference& reference) override;
  void on_earlier(const archive::JournalEarlier& earlier) override {
    streams_.add(earlier.slot, {earlier.position, earlier.head, earlier.content});
  }
  void on_note(const journal::Note& note) override {
    std::visit([this](const auto& held) { take(held); }, note);
  }
  void on_page_end() override {
    forget_assembled();
    streams_.clear();
  }

  void finish() { collector_.finish(); }
  const Collector& collector() const { return collector_; }

 private:
  CollectorSetting setting() {
    CollectorSetting setting;
    setting.surroundings = &surroundings_;
    setting.ticks_per_second = ticks_per_second_;
    return setting;
  }

  void take(const journal::Begun& note) { surroundings_.hear(note); }
  void take(const journal::Process& note) { surroundings_.hear(note); }
  void take(const journal::FileRead& note) { surroundings_.hear(note); }
  void take(const journal::StartFile& note) { surroundings_.hear(note); }
  void take(const journal::Thread& note) {
    threads_[note.slot] = {};
    collector_.on_thread(to_identity(note));
  }
  void take(const journal::ThreadGone& note) {
    threads_.erase(note.slot);
    collector_.on_thread_gone(note.slot);
  }
  void take(const journal::ProcessGone& note) {
    surroundings_.hear(note.now);
    collector_.on_process_gone(note.slot);
  }
  void take(const journal::Status& note) { collector_.on_status(note.pid, note.exit); }
  void take(const journal::Loss& note);
  void take(const journal::Missing& note) {
    surroundings_.hear(note.now);
    collector_.on_gap(note.reason, note.records);
  }
  void take(const journal::Tick& note) {
    surroundings_.hear(note.now);
    collector_.age();
  }
  void take(const journal::Ended& note) { surroundings_.hear(note.now); }

  // What came last of a thread's stream: the position behind it, and its stamp.
  struct Last {
    std::uint64_t end = 0;
    std::uint64_t stamp = 0;
  };

  // Of the thread whose records go on at `position`; null for one that nothing was said of.
  Last* go_on(std::uint32_t slot, std::uint64_t position, std::uint64_t bytes);
  void lose(std::uint32_t slot, std::uint64_t position, std::uint64_t bytes);
  void take(Last& last, std::uint32_t slot, std::uint64_t position, RecordView record);
  const std::byte* find_named(std::uint32_t slot, std::uint64_t position,
                              const abi::Earlier& earlier);
  void make_room();
  std::span<const std::byte> assemble(std::vector<std::byte> bytes);
  void forget_assembled();

  const std::uint64_t ticks_per_second_;
  ArchiveSink sink_;
  JournaledSurroundings surroundings_;
  Collector collector_;
  std::map<std::uint32_t, Last> threads_;  // those that are there, by slot
  PageStreams streams_;
  std::vector<std::vector<std::byte>> assembled_;  // that the collector may still look at
};

void Derivation::lose(std::uint32_t slot, std::uint64_t position, std::uint64_t bytes) {
  collector_.on_loss(slot, {position, 1, bytes, "a part of the journal is damaged"});
}

Derivation::Last* Derivation::go_on(std::uint32_t slot, std::uint64_t position,
                                    std::uint64_t bytes) {
  const auto thread = threads_.find(slot);
  if (thread == threads_.end()) {
    lose(abi::kNone, position, bytes);
    return nullptr;
  }
  Last& last = thread->second;
  if (position > last.end) lose(slot, last.end, position - last.end);
  return &last;
}

void Derivation::on_reference(const archive::JournalReference& reference) {
  make_room();
  Last* last = go_on(reference.slot, reference.position, reference.head.size());
  if (last == nullptr) return;
  last->end = end_of(reference);
  streams_.add(reference.slot, {reference.position, reference.head, reference.content});
  const auto content = surroundings_.content(reference.content);
  const auto record =
      assemble(content ? whole_record(reference, *content) : std::vector<std::byte>{});
  if (record.empty()) return lose(reference.slot, reference.position, reference.head.size());
  take(*last, reference.slot, reference.position,
       RecordView(record.data(), static_cast<std::uint32_t>(record.size())));
}

void Derivation::on_run(const archive::JournalRun& run) {
  Last* last = go_on(run.slot, run.position, run.records.size());
  if (last == nullptr) return;
  streams_.add(run.slot, {run.position, run.records});
  const std::size_t rest =
      each_record_in(std::as_bytes(run.records), [&](std::size_t at, const RecordView& record) {
        make_room();
        take(*last, run.slot, run.position + at, record);
      });
  last->end = run.position + run.records.size();
  if (rest != 0) lose(run.slot, last->end - rest, rest);
}

void Derivation::take(Last& last, std::uint32_t slot, std::uint64_t position, RecordView record) {
  if (record.is_brief()) {
    const std::byte* named = find_named(slot, position, record.earlier());
    if (named == nullptr) return lose(slot, position, record.size());
    record.resolve(named, ticks_per_second_);
    record.not_before(last.stamp);
  }
  last.stamp = record.exit();
  collector_.on_record(slot, position, record);
}

// Null when the page does not have them: it was crafted, or a part of it was not written.
const std::byte* Derivation::find_named(std::uint32_t slot, std::uint64_t position,
                                        const abi::Earlier& earlier) {
  if (earlier.length == 0 || earlier.back > position) return nullptr;
  const std::uint64_t begin = position - earlier.back;
  const PageStreams::Piece* piece = streams_.find(slot, begin);
  if (piece == nullptr) return nullptr;
  const std::uint64_t skipped = begin - piece->position;
  std::span<const std::byte> bytes = std::as_bytes(piece->head);
  if (piece->content != 0) {
    const auto content = surroundings_.content(piece->content);
    if (!content) return nullptr;
    std::vector<std::byte> whole(bytes.begin(), bytes.end());
    const auto more = std::as_bytes(*content);
    whole.insert(whole.end(), more.begin(), more.end());
    bytes = assemble(std::move(whole));
  }
  if (skipped > bytes.size() || bytes.size() - skipped < earlier.length) return nullptr;
  return bytes.data() + skipped;
}

// Before a record is begun: what is assembled for it stays until the next.
void Derivation::make_room() {
  if (assembled_.size() >= kMostAssembled) forget_assembled();
}

// Keeps bytes for as long as the collector may look at them.
std::span<const std::byte> Derivation::assemble(std::vector<std::byte> bytes) {
  return assembled_.emplace_back(std::move(bytes));
}

void Derivation::forget_assembled() {
  collector_.settled();
  assembled_.clear();
}

// The bytes of a loss are places in the thread's stream if records are behind them.
void Derivation::take(const journal::Loss& note) {
  const auto thread = threads_.find(note.slot);
  if (thread != threads_.end()) {
    thread->second.end = std::max(thread->second.end, note.position + note.bytes);
  }
  collector_.on_loss(note.slot, {note.position, note.records, note.bytes, note.reason.c_str()});
}

archive::Trailer trailer_of(const archive::Reader& journal, const Collector& collector) {
  archive::Trailer trailer = journal.trailer().value_or(archive::Trailer{});
  trailer.unattributed = collector.counts().unattributed;
  if (!trailer.exited && collector.root_exit()) {
    trailer.exited = true;
    trailer.exit = *collector.root_exit();
  }
  return trailer;
}

}  // namespace

tl::expected<void, archive::Error> derive(archive::Reader& journal, archive::Writer& archive,
                                          archive::Trailer& trailer) {
  const archive::Header& header = journal.header();
  if (header.journal < kOldestRecordVersion || header.journal > abi::kRecordVersion) {
    return tl::unexpected(archive::Error{
        archive::Error::Kind::kNewerFormat,
        "it is a journal of records of version " + std::to_string(header.journal) +
            ", and this Reprise knows those up to " + std::to_string(abi::kRecordVersion) +
            "; look at it once with Reprise " + header.reprise_version +
            ", which makes an archive of it that every later one reads"});
  }
  Derivation derivation(journal, archive);
  journal.read_journal(derivation);
  derivation.finish();
  trailer = trailer_of(journal, derivation.collector());
  return archive.flush();
}

}  // namespace reprise::recorder
