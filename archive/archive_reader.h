// The reader: asks an index where things lie, loads their blocks, decodes their records. When the
// stored index or a block it names proves damaged, it changes over to an index built from the
// blocks and goes on where it was.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "archive/block_store.h"
#include "archive/damage.h"
#include "archive/file.h"
#include "archive/index_source.h"
#include "archive/reader.h"

namespace reprise::archive {

class ArchiveReader final : public Reader {
 public:
  explicit ArchiveReader(std::unique_ptr<InputFile> file)
      : file_(std::move(file)), store_(*file_, damage_) {}

  // False when there is no block in the file.
  bool begin();

  const Header& header() const override { return header_; }
  const std::optional<Trailer>& trailer() const override { return trailer_; }
  const std::vector<Damage>& damage() const override { return damage_.all(); }
  void add_damage(const std::vector<Damage>& damage) override {
    for (const Damage& place : damage) damage_.add(place.offset, place.bytes, place.what);
  }
  std::uint64_t exchange_count() const override { return index_->count(TableKind::kExchanges); }
  std::uint64_t call_count() const override { return index_->count(TableKind::kCalls); }

  void read_journal(JournalVisitor& visitor) override;
  void each_exchange(const std::function<bool(const event::Exchange&)>& visit) override {
    each(visit);
  }
  void each_call(const std::function<bool(const event::Call&)>& visit) override { each(visit); }
  void each_connection(const std::function<bool(const event::Connection&)>& visit) override {
    each(visit);
  }
  void each_event(const std::function<bool(const event::Event&)>& visit) override {
    each_event_in(1, kMaxBlockNumber, visit);
  }

  tl::expected<event::Exchange, Error> exchange(event::ExchangeId id) override;
  tl::expected<std::vector<event::Call>, Error> calls(event::Context context) override;
  void each_event_of(event::ExchangeId id,
                     const std::function<bool(const event::Event&)>& visit) override;
  tl::expected<event::Connection, Error> connection(event::ConnectionId id) override;
  tl::expected<event::Bytes, Error> bytes(event::ConnectionId id, bool sent, event::ByteRange range,
                                          event::Stamp near) override;
  tl::expected<event::Bytes, Error> content(std::uint64_t number) override;
  void verify() override;

 private:
  struct Span {
    std::uint64_t first = 1, last = 0;  // block numbers, both included
  };

  bool scanned() const { return scanned_ != nullptr; }
  void fall_back();
  template <typename Question>
  auto ask(Question question);
  template <typename Record>
  std::optional<Record> fetch(const TableEntry& entry);
  template <typename Record>
  std::optional<Record> get(std::uint64_t id);
  template <typename Record>
  void each(const std::function<bool(const Record&)>& visit);
  template <typename Visit>
  void each_block(BlockKind kind, std::uint64_t first, std::uint64_t last, Visit visit);
  const RecordLookup& lookup(const Block& block);
  template <typename Record, typename Visit>
  bool each_record_at(const Block& block, std::span<const std::uint32_t> offsets, Visit visit);
  bool each_event_in(std::uint64_t first, std::uint64_t last,
                     const std::function<bool(const event::Event&)>& visit);
  Span span_of(const event::Exchange& exchange);
  Error missing(const std::string& what) const;

  std::unique_ptr<InputFile> file_;
  DamageList damage_;
  mutable BlockStore store_;
  Header header_;
  std::optional<Trailer> trailer_;
  std::unique_ptr<IndexSource> index_;
  ScannedIndex* scanned_ = nullptr;  // index_, when it is one
};

}  // namespace reprise::archive
