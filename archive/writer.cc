#include "archive/writer.h"

#include <time.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "archive/block.h"
#include "archive/block_queue.h"
#include "archive/block_store.h"
#include "archive/damage.h"
#include "archive/file.h"
#include "archive/index.h"
#include "archive/index_source.h"
#include "archive/journal_page.h"
#include "archive/section.h"

namespace reprise::archive {
namespace {

constexpr std::uint64_t kMaxBlockBytes = 4u << 20;
constexpr std::size_t kContentPieceBytes = 256 * 1024;
// Contents that are recognised when they come again.
constexpr std::size_t kMostKnownContents = 64 * 1024;
constexpr std::size_t kMostSeen = 8 * 1024;
static_assert(kMaxJournalPageBytes <= kMaxPayloadBytes);

std::uint64_t thread_cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

// The order in which open blocks are sealed: what is referred to goes before what refers to it.
enum SectionIndex : std::size_t { kContents, kEvents, kDerived, kSections };

class ArchiveWriter final : public Writer {
 public:
  ArchiveWriter(std::unique_ptr<OutputFile> file, std::uint64_t offset, Header header,
                const WriterOptions& options)
      : header_(std::move(header)),
        recording_(recording_tag(header_.session)),
        block_bytes_(std::clamp<std::uint64_t>(options.block_bytes, 1, kMaxBlockBytes)),
        sealer_(options.compression_level),
        queue_(std::move(file), offset, options.backlog_bytes) {}

  // Writes the first block of a new archive.
  tl::expected<void, Error> begin();
  // Takes over what a scan found in the archive that is gone on with.
  void go_on(ScannedIndex& found, BlockStore& store);

  void append(const event::Event& event) override;
  void append(const event::Connection& connection) override;
  void append(const event::Exchange& exchange) override;
  void append(const event::Call& call) override;
  bool append(JournalPage& page) override;
  void compress_pages(bool wanted) override { compresses_pages_ = wanted; }
  const PageCosts& page_costs() const override { return page_costs_; }
  std::uint64_t store(const event::Bytes& content) override;
  std::optional<std::uint64_t> store_repeated(std::span<const std::uint8_t> content) override;
  tl::expected<void, Error> flush() override;
  tl::expected<void, Error> finish(const Trailer& trailer) override;
  std::uint64_t bytes_written() const override { return queue_.written(); }
  std::uint64_t records_dropped() const override { return dropped_; }

 private:
  struct StoredContent {
    std::uint64_t number = 0;
    std::uint64_t size = 0;
  };

  std::uint64_t store(std::span<const std::uint8_t> content, const Hash128& hash);
  template <typename Record>
  void append_derived(const Record& record, event::Stamp base);
  void count(const event::Event& event);
  void seal(SectionIndex which);
  void drop(Section& section);
  void tell_of_drops();
  bool push(BlockHeader header, std::span<const std::uint8_t> payload, Codec codec);
  bool push_footer(const Trailer& trailer);
  template <typename Entries>
  bool push_table(TableKind kind, const Entries& entries, TableRoot& root);

  Header header_;
  std::uint32_t recording_;
  std::uint64_t block_bytes_;
  BlockSealer sealer_;
  BlockQueue queue_;
  ByteBuffer sealed_;  // scratch
  Section sections_[kSections] = {Section(BlockKind::kContent), Section(BlockKind::kEvents),
                                  Section(BlockKind::kDerived)};
  Index index_;
  std::map<Hash128, StoredContent> contents_;                    // stored lately
  std::vector<Hash128> seen_ = std::vector<Hash128>(kMostSeen);  // by hash
  std::uint64_t next_content_ = 1;
  std::uint64_t next_number_ = 0;
  std::uint64_t last_stamp_ = 0;
  std::uint64_t events_ = 0, gaps_ = 0, lost_records_ = 0;  // appended; of the Gaps among them

  bool compresses_pages_ = true;
  PageCosts page_costs_;

  std::uint64_t dropped_ = 0;             // records, in total
  event::Gap untold_;                     // what was dropped and has no Gap yet
  std::set<std::uint64_t> dropped_from_;  // exchanges that lost events
  enum class Footer : std::uint8_t { kNone, kQueued, kLost } footer_ = Footer::kNone;
};

tl::expected<void, Error> ArchiveWriter::begin() {
  Section section(BlockKind::kHeader);
  if (!section.append_plain(header_)) {
    return tl::unexpected(Error{Error::Kind::kIo, "the command line is too long to be recorded"});
  }
  BlockHeader header;
  header.kind = BlockKind::kHeader;
  header.records = 1;
  // Without room for the first block there is no archive: better to say so before recording.
  if (!push(header, section.payload().view(), Codec::kStored)) {
    return tl::unexpected(file_error("cannot write", queue_.file().path(), ENOSPC));
  }
  return queue_.drain();
}

void ArchiveWriter::append(const event::Event& event) {
  Section& section = sections_[kEvents];
  if (!section.append(event, event.enter)) {
    event::Event gap = event;
    gap.fact = event::Gap{1, 0, "an event exceeded what one record of an archive may hold"};
    append(gap);
    return;
  }
  count(event);
  if (section.payload().size() >= block_bytes_) seal(kEvents);
}

void ArchiveWriter::count(const event::Event& event) {
  ++events_;
  if (const auto* gap = std::get_if<event::Gap>(&event.fact)) {
    ++gaps_;
    lost_records_ += gap->records;
  }
}

template <typename Record>
void ArchiveWriter::append_derived(const Record& record, event::Stamp base) {
  Section& section = sections_[kDerived];
  if (!section.append(record, base)) {
    ++dropped_;
    ++untold_.records;
    return;
  }
  if (section.payload().size() >= block_bytes_) seal(kDerived);
}

void ArchiveWriter::append(const event::Connection& connection) {
  append_derived(connection, connection.opened);
}

void ArchiveWriter::append(const event::Exchange& exchange) {
  if (!dropped_from_.empty() && dropped_from_.count(exchange.id.value) != 0) {
    event::Exchange incomplete = exchange;
    incomplete.complete = false;
    if (incomplete.incomplete_why.empty()) {
      incomplete.incomplete_why = "events of it were dropped because the archive could not grow";
    }
    append_derived(incomplete, exchange.first_byte_in);
    return;
  }
  append_derived(exchange, exchange.first_byte_in);
}

void ArchiveWriter::append(const event::Call& call) { append_derived(call, call.first_byte_out); }

bool ArchiveWriter::append(JournalPage& page) {
  seal(kContents);
  BlockHeader header;
  header.kind = BlockKind::kJournal;
  header.records = page.entries();
  header.first_stamp = header.last_stamp = last_stamp_;
  const auto payload = page.payload();
  page_costs_.bytes += payload.size();
  if (!compresses_pages_) return push(header, payload, Codec::kStored);
  const std::uint64_t begin = thread_cpu_ns();
  const bool taken = push(header, payload, Codec::kZstd);
  page_costs_.compressed_bytes += payload.size();
  page_costs_.compressing_ns += thread_cpu_ns() - begin;
  return taken;
}

std::uint64_t ArchiveWriter::store(const event::Bytes& content) {
  return store(content, content_hash(content));
}

std::optional<std::uint64_t> ArchiveWriter::store_repeated(std::span<const std::uint8_t> content) {
  const Hash128 hash = content_hash(content);
  Hash128& place = seen_[hash.low % seen_.size()];
  if (place != hash) {
    place = hash;
    return std::nullopt;
  }
  return store(content, hash);
}

std::uint64_t ArchiveWriter::store(std::span<const std::uint8_t> content, const Hash128& hash) {
  if (contents_.size() >= kMostKnownContents) contents_.clear();
  StoredContent& known = contents_[hash];
  if (known.number != 0 && known.size == content.size()) return known.number;
  known = {next_content_++, content.size()};
  ContentChunk chunk;
  chunk.number = known.number;
  chunk.hash_low = hash.low;
  chunk.hash_high = hash.high;
  chunk.size = content.size();
  do {
    const std::size_t length = std::min(kContentPieceBytes, content.size() - chunk.offset);
    const auto begin = content.begin() + static_cast<std::ptrdiff_t>(chunk.offset);
    chunk.bytes.assign(begin, begin + static_cast<std::ptrdiff_t>(length));
    // A piece is far below the bound of a record.
    (void)sections_[kContents].append_plain(chunk);
    if (sections_[kContents].payload().size() >= block_bytes_) seal(kContents);
    chunk.offset += length;
  } while (chunk.offset < content.size());
  return chunk.number;
}

void ArchiveWriter::seal(SectionIndex which) {
  // What events refer to is in the file before them.
  if (which == kEvents) seal(kContents);
  Section& section = sections_[which];
  if (section.empty()) return;
  BlockNotes& notes = section.notes();
  BlockHeader header;
  header.kind = section.kind();
  header.records = section.records();
  header.first_stamp = notes.first_stamp() != 0 ? notes.first_stamp() : last_stamp_;
  header.last_stamp = std::max(notes.last_stamp(), header.first_stamp);
  const std::uint64_t number = next_number_;
  if (push(header, section.payload().view(), Codec::kZstd)) {
    last_stamp_ = std::max(last_stamp_, header.last_stamp);
    index_.add(notes, static_cast<BlockNumber>(number));
  } else {
    drop(section);
  }
  section.clear();
}

bool ArchiveWriter::push(BlockHeader header, std::span<const std::uint8_t> payload, Codec codec) {
  if (next_number_ > kMaxBlockNumber) return false;
  header.major = header_.journal != 0 ? kJournalMajorVersion : kMajorVersion;
  header.recording = recording_;
  header.number = next_number_;
  const BlockHeader sealed = sealer_.seal(header, payload, codec, sealed_);
  const std::uint64_t offset = queue_.next_offset();
  if (!queue_.push(sealed_.view())) return false;
  if (header.kind != BlockKind::kTable) {
    index_.blocks.push_back({sealed.number, offset, sealed.stored_bytes, sealed.raw_bytes,
                             sealed.records, sealed.kind, sealed.first_stamp, sealed.last_stamp});
  }
  ++next_number_;
  return true;
}

// The file cannot grow and the backlog is full. No block of the archive names the lost ones, so
// that readers see no damage but, as soon as there is room, a Gap.
void ArchiveWriter::drop(Section& section) {
  dropped_ += section.records();
  untold_.records += section.records();
  untold_.bytes += section.payload().size();
  for (const std::uint64_t id : section.notes().exchanges()) dropped_from_.insert(id);
  if (section.kind() == BlockKind::kContent) contents_.clear();
}

// Room has been made: tells of what was dropped, and takes back what was said of exchanges since.
void ArchiveWriter::tell_of_drops() {
  if (header_.journal != 0) {  // whoever follows a reference to a lost content notices
    untold_ = {};
    return;
  }
  event::Event gap;
  gap.enter = gap.exit = event::Stamp{last_stamp_};
  gap.context = event::Context::unattributed();
  gap.fact = event::Gap{untold_.records, untold_.bytes, "the archive could not grow"};
  untold_ = {};
  append(gap);
  DamageList ignored;  // of blocks that were just written
  BlockStore written(queue_.file(), ignored);
  for (const std::uint64_t id : dropped_from_) {
    const TableEntry* entry = index_.exchanges.find(id);
    if (entry == nullptr || entry->block == 0) continue;
    const auto at = std::lower_bound(
        index_.blocks.begin(), index_.blocks.end(), entry->block,
        [](const BlockEntry& block, BlockNumber number) { return block.number < number; });
    const auto block = written.load(*at);
    if (!block) continue;
    RecordCursor cursor(block->payload);
    cursor.seek(entry->offset);
    const auto raw = cursor.next();
    event::Exchange exchange;
    if (raw && decode(*raw, block->coding(), exchange)) append(exchange);
  }
}

tl::expected<void, Error> ArchiveWriter::flush() {
  for (const SectionIndex section : {kContents, kEvents, kDerived}) seal(section);
  if (auto drained = queue_.drain(); !drained) return drained;
  if (untold_.records == 0) return {};
  tell_of_drops();
  for (const SectionIndex section : {kEvents, kDerived}) seal(section);
  return queue_.drain();
}

tl::expected<void, Error> ArchiveWriter::finish(const Trailer& trailer) {
  if (footer_ == Footer::kNone) {
    if (auto flushed = flush(); !flushed) return flushed;
    footer_ = push_footer(trailer) ? Footer::kQueued : Footer::kLost;
  }
  if (footer_ == Footer::kLost) {
    return tl::unexpected(
        Error{Error::Kind::kDiskFull, queue_.file().path() +
                                          " has no room for the index; make room and run `reprise "
                                          "recover`"});
  }
  return queue_.close();
}

bool ArchiveWriter::push_footer(const Trailer& trailer) {
  Trailer last = trailer;
  last.events = events_;
  last.exchanges = index_.exchanges.located();
  last.calls = index_.calls.located();
  last.connections = index_.connections.located();
  if (header_.journal == 0) {
    last.gaps = gaps_;
    last.dropped = lost_records_;
  }
  TableRoots roots;
  // The first table lists the blocks before it, so it is taken before anything is added.
  const std::vector<BlockEntry> blocks = std::move(index_.blocks);
  if (!push_table(TableKind::kBlocks, blocks, roots.blocks) ||
      !push_table(TableKind::kExchanges, index_.exchanges.entries(), roots.exchanges) ||
      !push_table(TableKind::kCalls, index_.calls.entries(), roots.calls) ||
      !push_table(TableKind::kConnections, index_.connections.entries(), roots.connections) ||
      !push_table(TableKind::kContents, index_.contents.entries(), roots.contents)) {
    return false;
  }
  Section section(BlockKind::kTrailer);
  const bool whole =
      section.append_plain(header_) && section.append_plain(last) && section.append_plain(roots);
  BlockHeader header;
  header.kind = BlockKind::kTrailer;
  header.records = section.records();
  header.first_stamp = header.last_stamp = last_stamp_;
  const std::uint64_t offset = queue_.next_offset();
  if (!whole || !push(header, section.payload().view(), Codec::kZstd)) return false;
  ByteBuffer end;
  store_le(end.reserve(8), offset);
  end.commit(8);
  header.kind = BlockKind::kEnd;
  header.records = 0;
  return push(header, end.view(), Codec::kStored);
}

bool has_record(const BlockEntry&) { return true; }
bool has_record(const TableEntry& entry) { return entry.block != 0; }

template <typename Entries>
bool ArchiveWriter::push_table(TableKind kind, const Entries& entries, TableRoot& root) {
  root.offset = queue_.next_offset();
  ByteBuffer page;
  std::size_t in_page = 0;
  const auto push_page = [&] {
    BlockHeader header;
    header.kind = BlockKind::kTable;
    header.first_stamp = header.last_stamp = last_stamp_;
    in_page = 0;
    return push(header, page.view(), Codec::kStored);
  };
  for (const auto& entry : entries) {
    if (!has_record(entry)) continue;
    if (in_page == 0) begin_page(kind, root.entries, page);
    append_entry(entry, page);
    ++root.entries;
    if (++in_page == kEntriesPerPage && !push_page()) return false;
  }
  return in_page == 0 || push_page();
}

void ArchiveWriter::go_on(ScannedIndex& found, BlockStore& blocks) {
  events_ = found.events();
  gaps_ = found.gaps();
  lost_records_ = found.dropped();
  index_ = std::move(found.index());
  next_number_ = index_.blocks.back().number + 1;
  for (const BlockEntry& entry : index_.blocks) {
    last_stamp_ = std::max(last_stamp_, entry.last_stamp);
    if (entry.kind != BlockKind::kContent) continue;
    const auto block = blocks.load(entry);
    if (!block) continue;
    ContentChunk chunk;
    each_record(*block, blocks.damage(), [&](const RawRecord& raw) {
      if (raw.tag != RecordTag::kContentChunk || !decode(raw, block->coding(), chunk)) return true;
      next_content_ = std::max(next_content_, chunk.number + 1);
      // Only a content whose last piece made it into the file may be referred to again.
      if (chunk.offset + chunk.bytes.size() == chunk.size) {
        contents_[{chunk.hash_low, chunk.hash_high}] = {chunk.number, chunk.size};
      }
      return true;
    });
  }
}

}  // namespace

Writer::~Writer() = default;

tl::expected<std::unique_ptr<Writer>, Error> Writer::create(const std::string& path,
                                                            const Header& header,
                                                            const WriterOptions& options) {
  auto file = OutputFile::open(
      path, options.overwrite ? OutputFile::Mode::kReplace : OutputFile::Mode::kCreate);
  if (!file) return tl::unexpected(file.error());
  return create(std::move(*file), header, options);
}

tl::expected<std::unique_ptr<Writer>, Error> Writer::create(std::unique_ptr<OutputFile> file,
                                                            const Header& header,
                                                            const WriterOptions& options) {
  auto writer = std::make_unique<ArchiveWriter>(std::move(file), 0, header, options);
  if (auto begun = writer->begin(); !begun) return tl::unexpected(begun.error());
  return writer;
}

tl::expected<std::unique_ptr<Writer>, Error> Writer::resume(const std::string& path,
                                                            const WriterOptions& options) {
  auto file = OutputFile::open(path, OutputFile::Mode::kResume);
  if (!file) return tl::unexpected(file.error());
  return resume(std::move(*file), options);
}

tl::expected<std::unique_ptr<Writer>, Error> Writer::resume(std::unique_ptr<OutputFile> file,
                                                            const WriterOptions& options) {
  const std::string path = file->path();
  DamageList damage;
  BlockStore store(*file, damage);
  ScannedIndex found(store);
  found.extend_spans();
  if (found.trailer()) {
    return tl::unexpected(
        Error{Error::Kind::kExists, path + " is finished already; there is nothing to recover"});
  }
  if (!found.header()) {
    return tl::unexpected(Error{
        Error::Kind::kNotAnArchive,
        path + " is not a Reprise archive, or lost its first block; nothing can be added to it"});
  }
  const std::uint64_t end = found.scan().end();
  if (const int error = file->truncate(end); error != 0) {
    return tl::unexpected(file_error("cannot cut the broken end off", path, error));
  }
  // `store` reads through the file that the writer takes over, and lives no longer than this call.
  auto writer = std::make_unique<ArchiveWriter>(std::move(file), end, *found.header(), options);
  writer->go_on(found, store);
  return writer;
}

}  // namespace reprise::archive
