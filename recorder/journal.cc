#include "recorder/journal.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "protocol/client_hello.h"
#include "recorder/journal_view.h"

namespace reprise::recorder {
namespace {

namespace journal = archive::journal;

// A page is compressed while it is in the processor's cache.
constexpr std::size_t kPageBytes = 256 * 1024;
// Payloads are stored once in multiples of it.
constexpr std::size_t kStoredBlock = 4096;
constexpr std::uint64_t kNoTicks = 0;  // stamps are nobody's concern here
constexpr std::size_t kMostNotedFiles = 16 * 1024;
constexpr std::size_t kMostUnreadTls = 64 * 1024;

std::span<const std::uint8_t> bytes_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}
std::span<const std::uint8_t> bytes_of(const RecordView& record) {
  return bytes_of(std::span(record.address(), record.size()));
}

// The bytes that a record itself has of the service's.
std::span<const std::uint8_t> payload_of(const RecordView& record) {
  if (record.is_brief()) return {};
  if (record.type() == abi::RecordType::kSendIntent) return record.tail<abi::SendIntent>();
  if (record.type() == abi::RecordType::kBytesIn) return record.tail<abi::BytesIn>();
  return {};
}

// Its records that begin at or behind `from` bytes, up to `to`.
RecordRun part_of(const RecordRun& run, std::size_t from, std::size_t to) {
  RecordRun part = run;
  part.position += from;
  part.bytes = run.bytes.subspan(from, to - from);
  return part;
}

// Not by its number in the system: a main thread may be seen before it has told that.
bool same(const ThreadIdentity& one, const ThreadIdentity& other) {
  return one.ordinal == other.ordinal && one.process.slot == other.process.slot &&
         one.process.pid == other.process.pid && one.process.path == other.process.path &&
         one.process.image == other.process.image;
}

}  // namespace

Journal::Journal(archive::Writer& writer, Surroundings& surroundings, event::Observer* signals)
    : writer_(writer), surroundings_(surroundings), signals_(signals) {}

void Journal::begin() {
  note(journal::Begun{surroundings_.environment()});
  if (auto zone = surroundings_.time_zone()) note(journal::StartFile{*std::move(zone), true});
}

void Journal::note(const journal::Note& note) {
  page_.add(note);
  if (page_.size() >= kPageBytes && !refused_) write_page();
}

void Journal::hand_on() {
  if (!page_.empty()) write_page();
}

// A page that is not taken is kept, and grows until the session tries again.
void Journal::write_page() {
  refused_ = !writer_.append(page_);
  if (refused_) return;
  page_.clear();
  ++page_number_;
  if (dropped_ == 0) return;
  on_gap("the archive could not grow", std::exchange(dropped_, 0));
}

void Journal::tick() {
  tick_due_ = false;
  note(journal::Tick{surroundings_.now()});
}

void Journal::finish() { note(journal::Ended{surroundings_.now()}); }

// --- From the drain ------------------------------------------------------------------------------

std::uint64_t Journal::on_thread(const ThreadIdentity& identity) {
  ThreadPlace& thread = place(identity.slot);
  if (thread.known && same(thread.identity, identity)) return thread.end;
  thread = {};
  thread.known = true;
  thread.identity = identity;
  note(to_note(identity));
  return 0;
}

void Journal::on_run(const RecordRun& run) {
  if (tick_due_) tick();
  ThreadPlace& thread = place(run.slot);
  std::size_t kept = 0;
  for (const std::uint32_t at : run.others) {
    RecordView record = record_at(run.bytes, at);
    if (!record || at < kept) break;  // overwritten since
    run.resolve(record, at, kNoTicks);
    count(thread, record);
    if (!goes_alone(thread, record)) continue;
    keep(thread, part_of(run, kept, at));
    look_ahead(thread, record);
    keep(thread, run.position + at, record);
    kept = at + record.size();
  }
  keep(thread, part_of(run, kept, run.bytes.size()));
}

// Whether there may be something to note before it, or bytes of it to be stored once.
bool Journal::goes_alone(const ThreadPlace& thread, const RecordView& record) {
  switch (record.type()) {
    case abi::RecordType::kFork:
    case abi::RecordType::kFileOpened:
    case abi::RecordType::kFileRange:
    case abi::RecordType::kSignal:
    case abi::RecordType::kFatalSignal:
      return true;
    case abi::RecordType::kSendResult:
      return !thread.ranges.empty() && !record.is_compact();
    default:
      return payload_of(record).size() >= kStoredBlock;
  }
}

void Journal::keep(ThreadPlace& thread, const RecordRun& run) {
  const bool in_page = thread.page == page_number_ && thread.end == run.position &&
                       run.named_from >= thread.page_from;
  if (in_page && has_room(run.bytes.size())) {
    thread.end += run.bytes.size();
    page_.add_record(run.slot, run.position, bytes_of(run.bytes));
    if (page_.size() >= kPageBytes && !refused_) write_page();
    return;
  }
  each_record_in(run, kNoTicks, [&](std::uint64_t position, const RecordView& record) {
    keep(thread, position, record);
  });
}

void Journal::keep(ThreadPlace& thread, std::uint64_t position, const RecordView& record) {
  if (!has_room(record.size() + record.named().size())) {
    ++dropped_;
    return;
  }
  write_record(thread, position, record);
  if (page_.size() >= kPageBytes && !refused_) write_page();
}

// Whether so much more can be kept, should the file not grow.
bool Journal::has_room(std::size_t bytes) const {
  return page_.size() + bytes <= archive::kMaxJournalPageBytes;
}

void Journal::write_record(ThreadPlace& thread, std::uint64_t position, const RecordView& record) {
  const std::uint32_t slot = thread.identity.slot;
  go_on(thread, position, record.size());
  if (record.is_brief()) name(thread, position, record);
  const auto bytes = bytes_of(record);
  const auto payload = payload_of(record);
  const auto stored = payload.size() < kStoredBlock ? std::nullopt : store(payload);
  if (!stored) return page_.add_record(slot, position, bytes);
  const auto behind_body = static_cast<std::size_t>(payload.data() - bytes.data());
  page_.add_reference(slot, position, bytes.first(behind_body + stored->head), stored->content);
}

// Bodies repeat where heads do not: counted from the end, whole blocks of a payload are what comes
// again. To know them costs a tenth of what it takes to compress them.
std::optional<Journal::Stored> Journal::store(std::span<const std::uint8_t> payload) {
  const std::size_t length = payload.size() / kStoredBlock * kStoredBlock;
  if (length == 0) return std::nullopt;
  const auto content = writer_.store_repeated(payload.last(length));
  if (!content) return std::nullopt;
  return Stored{payload.size() - length, *content};
}

void Journal::go_on(ThreadPlace& thread, std::uint64_t position, std::size_t size) {
  if (thread.page != page_number_) thread.named.clear();
  if (thread.page != page_number_ || thread.end != position) thread.page_from = position;
  thread.page = page_number_;
  thread.end = position + size;
}

// A page can be read without the ones before it, so what its records name is in it, once.
void Journal::name(ThreadPlace& thread, std::uint64_t position, const RecordView& record) {
  const std::uint64_t begin = position - record.earlier().back;
  if (begin >= thread.page_from || std::ranges::find(thread.named, begin) != thread.named.end())
    return;
  thread.named.push_back(begin);
  const auto named = record.named();
  const auto stored = store(named);
  page_.add_earlier(thread.identity.slot, begin, stored ? named.first(stored->head) : named,
                    stored ? stored->content : 0);
}

void Journal::look_ahead(ThreadPlace& thread, const RecordView& record) {
  switch (record.type()) {
    case abi::RecordType::kFork:
      return note_child(record);
    case abi::RecordType::kFileOpened:
      return note_start_file(thread, record);
    case abi::RecordType::kFileRange:
      return keep_range(thread, record);
    case abi::RecordType::kSendResult:
      return read_files(thread, record);
    case abi::RecordType::kSignal:
    case abi::RecordType::kFatalSignal:
      return tell_signal(record);
    default:
      return;
  }
}

void Journal::on_loss(std::uint32_t slot, const StreamLoss& loss) {
  count_gap(loss.records);
  note(journal::Loss{slot, loss.position, loss.records, loss.bytes, loss.reason});
}

void Journal::on_thread_gone(std::uint32_t slot) {
  place(slot).ranges.clear();
  note(journal::ThreadGone{slot});
}

void Journal::on_process_gone(std::uint32_t slot) {
  note(journal::ProcessGone{slot, surroundings_.now()});
}

// --- From the session ----------------------------------------------------------------------------

void Journal::on_status(std::int32_t pid, event::ProcessExited exit) {
  note(journal::Status{pid, exit});
}

void Journal::on_gap(const std::string& reason, std::uint64_t records) {
  count_gap(records);
  note(journal::Missing{reason, records, surroundings_.now()});
}

// --- What is noted beside the records ------------------------------------------------------------

void Journal::count(ThreadPlace& thread, const RecordView& record) {
  switch (record.type()) {
    case abi::RecordType::kBytesIn:
      return count_received(record);
    case abi::RecordType::kSendIntent:
      if (abi::SendIntent body; record.read(body)) {
        thread.intended = body.length;
        look_for_tls(body.socket, record.tail<abi::SendIntent>());
      }
      return;
    case abi::RecordType::kSendResult:
      if (record.is_compact()) {
        counts_.sent += thread.intended;
        return;
      }
      if (abi::SendResult body; record.read(body) && body.result > 0) {
        counts_.sent += static_cast<std::uint64_t>(body.result);
      }
      return;
    case abi::RecordType::kAccept:
      if (abi::Accept body; record.read(body) && body.socket != 0) {
        ++counts_.accepted;
        surroundings_.start_is_over();
      }
      return;
    case abi::RecordType::kConnect:
      if (abi::Connect body; record.read(body) && (body.error == 0 || body.error == EINPROGRESS)) {
        ++counts_.opened;
      }
      return;
    case abi::RecordType::kGap:
      return count_told_gap(thread, record);
    default:
      return;
  }
}

void Journal::count_received(const RecordView& record) {
  abi::BytesIn body;
  if (!record.read(body) || body.error != 0) return;
  counts_.received += body.length;
  if (body.length != 0) look_for_tls(body.socket, record.tail<abi::BytesIn>());
}

void Journal::count_told_gap(const ThreadPlace& thread, const RecordView& record) {
  abi::Gap body;
  if (!record.read(body)) return;
  if (!tells_of_sandbox(record)) return count_gap(body.records);
  sandboxed_.insert(thread.identity.process.path);
  counts_.sandboxed = sandboxed_.size();
}

void Journal::count_gap(std::uint64_t records) {
  ++counts_.gaps;
  counts_.dropped += records;
}

void Journal::look_for_tls(abi::Cookie socket, std::span<const std::uint8_t> bytes) {
  if (!protocol::begins_client_hello(bytes)) return;
  if (unread_tls_.size() >= kMostUnreadTls) unread_tls_.clear();
  if (unread_tls_.insert(socket).second) ++counts_.unread_tls;
}

// The child may not have written anything yet when the record of its fork is read.
void Journal::note_child(const RecordView& record) {
  abi::Fork body;
  if (!record.read(body) || body.child == abi::kNone) return;
  const ProcessIdentity child = surroundings_.identify(body.child);
  if (child.slot != abi::kNone) note(to_note(child));
}

void Journal::note_start_file(const ThreadPlace& thread, const RecordView& record) {
  abi::FileOpened body;
  if (!record.read(body)) return;
  auto tail = record.tail<abi::FileOpened>();
  event::FileOpened file{std::string(take_string(tail)),
                         body.device,
                         body.inode,
                         body.file_size,
                         body.modified_ns,
                         std::nullopt};
  if (surroundings_.take_start_file(file, thread.identity.process.pid)) {
    note(journal::StartFile{std::move(file), false});
  }
}

void Journal::tell_signal(const RecordView& record) {
  abi::Signal body;
  if (signals_ == nullptr || !record.read(body)) return;
  event::Event event;
  event.enter = event.exit = {record.enter()};
  event.fact = event::SignalReceived{body.number, body.code, body.from_pid, body.address,
                                     record.type() == abi::RecordType::kFatalSignal};
  signals_->on_event(event);
}

void Journal::keep_range(ThreadPlace& thread, const RecordView& record) {
  abi::FileRange range;
  if (!record.read(range)) return;
  auto tail = record.tail<abi::FileRange>();
  if (!tail.empty()) paths_.of(range, take_string(tail));
  thread.ranges.push_back(range);
}

std::optional<abi::FileRange> Journal::take_range(ThreadPlace& thread,
                                                  const abi::SendResult& result) {
  const auto found = std::ranges::find_if(thread.ranges, [&](const abi::FileRange& range) {
    return range.socket == result.socket && range.offset == result.offset;
  });
  if (found == thread.ranges.end()) return std::nullopt;
  const abi::FileRange range = *found;
  thread.ranges.erase(found);
  return range;
}

// Of a file, as much is read as went out.
void Journal::read_files(ThreadPlace& thread, const RecordView& record) {
  abi::SendResult result;
  if (!record.read(result)) return;
  const auto range = take_range(thread, result);
  if (!range || result.result <= 0) return;
  const auto sent = static_cast<std::uint64_t>(result.result);
  const std::uint64_t piece_bytes = file_piece_bytes(sent);
  for (std::uint64_t done = 0; done < sent; done += piece_bytes) {
    abi::FileRange piece = *range;
    piece.file_offset += done;
    piece.length = std::min(piece_bytes, sent - done);
    read_piece(thread, piece);
  }
}

void Journal::read_piece(const ThreadPlace& thread, const abi::FileRange& piece) {
  const FileKey key = {piece.device,      piece.inode,       piece.file_size,
                       piece.modified_ns, piece.file_offset, piece.length};
  if (key == latest_file_) return;
  if (!noted_files_.contains(key)) {
    event::FileRangeSent wanted;
    wanted.path = paths_.of(piece, "");
    wanted.device = piece.device;
    wanted.inode = piece.inode;
    wanted.file_size = piece.file_size;
    wanted.modified_ns = piece.modified_ns;
    wanted.file_offset = piece.file_offset;
    wanted.length = piece.length;
    journal::FileRead read{piece.device,      piece.inode,  piece.file_size, piece.modified_ns,
                           piece.file_offset, piece.length, std::nullopt,    ""};
    read.content = surroundings_.content_of(wanted, thread.identity.process.pid, read.why);
    note(read);
    if (!read.content) return;  // it may be there another time
    if (noted_files_.size() >= kMostNotedFiles) noted_files_.clear();
    noted_files_.insert(key);
  }
  latest_file_ = key;
}

// --- What an earlier recorder wrote --------------------------------------------------------------

void Journal::on_run(const archive::JournalRun& run) {
  ThreadPlace& thread = place(run.slot);
  each_record_in(std::as_bytes(run.records), [&](std::size_t, const RecordView& record) {
    if (record.type() == abi::RecordType::kFileRange) keep_range(thread, record);
    abi::SendResult result;
    if (record.type() == abi::RecordType::kSendResult && record.read(result)) {
      take_range(thread, result);
    }
    count(thread, record);
  });
  thread.end = run.position + run.records.size();
}

void Journal::on_reference(const archive::JournalReference& reference) {
  place(reference.slot).end = end_of(reference);
  const auto* head = reinterpret_cast<const std::byte*>(reference.head.data());
  if (reference.head.size() < sizeof(abi::RecordHeader)) return;
  count(place(reference.slot), RecordView(head, static_cast<std::uint32_t>(reference.head.size())));
}

void Journal::on_note(const journal::Note& note) {
  if (const auto* thread = std::get_if<journal::Thread>(&note)) {
    place(thread->slot) = {};
    place(thread->slot).known = true;
    place(thread->slot).identity = to_identity(*thread);
  } else if (const auto* loss = std::get_if<journal::Loss>(&note)) {
    count_gap(loss->records);
    if (loss->slot < threads_.size()) {  // not to be told another time
      std::uint64_t& end = threads_[loss->slot].end;
      end = std::max(end, loss->position + 1);
    }
  } else if (const auto* missing = std::get_if<journal::Missing>(&note)) {
    count_gap(missing->records);
  } else if (const auto* file = std::get_if<journal::StartFile>(&note)) {
    event::FileOpened known = file->file;
    surroundings_.take_start_file(known, 0);
  }
}

}  // namespace reprise::recorder
