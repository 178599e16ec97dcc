// Writes one archive, block by block. Single-threaded; owns the file.
//
// append() collects a block in memory; flush() compresses and writes it. After flush() returned
// without error everything appended so far is in the operating system's hands and survives this
// process. A block that cannot be written (full disk) is kept and tried again by the next flush;
// what exceeds the bound is dropped, counted, and becomes a Gap when writing works again.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>

#include "archive/format.h"
#include "event/exchange.h"

namespace reprise::archive {

struct WriterOptions {
  bool overwrite = false;
  // zstd. Negative levels trade size for speed: on what small web services say, -3 takes half the
  // time of 1 and a quarter more room.
  int compression_level = -3;
  std::uint64_t block_bytes = 256 * 1024;          // uncompressed, after which append() flushes
  std::uint64_t backlog_bytes = 64 * 1024 * 1024;  // kept in memory when the file cannot grow
};

inline constexpr std::size_t kMaxJournalPageBytes = 16u << 20;

class JournalPage;
class OutputFile;

// Of the pages of a journal, so far.
struct PageCosts {
  std::uint64_t bytes = 0;             // in all, before they were compressed
  std::uint64_t compressed_bytes = 0;  // of them those that were to be compressed,
  std::uint64_t compressing_ns = 0;    // and the processor time that took
};

class Writer {
 public:
  [[nodiscard]] static tl::expected<std::unique_ptr<Writer>, Error> create(
      const std::string& path, const Header& header, const WriterOptions& options);
  // The same into a file of the caller's, which is empty.
  [[nodiscard]] static tl::expected<std::unique_ptr<Writer>, Error> create(
      std::unique_ptr<OutputFile> file, const Header& header, const WriterOptions& options);
  // Goes on with an archive that has no trailer, behind its last whole block.
  [[nodiscard]] static tl::expected<std::unique_ptr<Writer>, Error> resume(
      const std::string& path, const WriterOptions& options);
  [[nodiscard]] static tl::expected<std::unique_ptr<Writer>, Error> resume(
      std::unique_ptr<OutputFile> file, const WriterOptions& options);
  virtual ~Writer();  // without finish() the archive stays readable, by a scan

  virtual void append(const event::Event& event) = 0;
  virtual void append(
      const event::Connection& connection) = 0;              // again when more is known; last wins
  virtual void append(const event::Exchange& exchange) = 0;  // likewise
  virtual void append(const event::Call& call) = 0;          // likewise
  // Of a journal (Header::journal), in place of the above: the page becomes a block of its own,
  // behind all contents stored so far. False, and nothing was taken, when the file cannot grow and
  // the backlog is full. At most kMaxJournalPageBytes.
  [[nodiscard]] virtual bool append(JournalPage& page) = 0;
  // Whether the pages that come are compressed; as long as nothing is said they are.
  virtual void compress_pages(bool wanted) = 0;
  virtual const PageCosts& page_costs() const = 0;
  // Stores bytes once by content; the returned number is FileRangeSent::content.
  virtual std::uint64_t store(const event::Bytes& content) = 0;
  // The number of bytes that come again and again. None the first time, as most never come again:
  // then they are only remembered, among a bounded number of others.
  virtual std::optional<std::uint64_t> store_repeated(std::span<const std::uint8_t> content) = 0;

  [[nodiscard]] virtual tl::expected<void, Error> flush() = 0;
  // Writes the index and the trailer and closes the file. Call last; again after a full disk. The
  // counts of `trailer` are filled in from what was written; the caller gives `unattributed`,
  // `exit`, `exited` and `recovered`, and of a journal `gaps` and `dropped`.
  [[nodiscard]] virtual tl::expected<void, Error> finish(const Trailer& trailer) = 0;

  virtual std::uint64_t bytes_written() const = 0;
  virtual std::uint64_t records_dropped() const = 0;  // because the file could not grow
};

}  // namespace reprise::archive
