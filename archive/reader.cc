#include "archive/reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "archive/archive_reader.h"
#include "archive/block.h"
#include "archive/block_store.h"
#include "archive/file.h"

namespace reprise::archive {
namespace {

// The file begins like an archive, or like one that was cut off within its first bytes.
bool has_magic(InputFile& file) {
  std::array<std::uint8_t, kMagic.size()> bytes;
  const std::size_t count = file.read_at(0, bytes);
  return count != 0 && std::equal(bytes.begin(), bytes.begin() + count, kMagic.begin());
}

}  // namespace

Reader::~Reader() = default;

tl::expected<event::Bytes, Error> Reader::request(const event::Exchange& exchange) {
  return bytes(exchange.connection, false, exchange.request, exchange.first_byte_in);
}
tl::expected<event::Bytes, Error> Reader::response(const event::Exchange& exchange) {
  return bytes(exchange.connection, true, exchange.response, exchange.first_byte_out);
}
tl::expected<event::Bytes, Error> Reader::request(const event::Call& call) {
  return bytes(call.connection, true, call.request, call.first_byte_out);
}
tl::expected<event::Bytes, Error> Reader::response(const event::Call& call) {
  return bytes(call.connection, false, call.response, call.first_byte_in);
}

tl::expected<std::unique_ptr<Reader>, Error> Reader::open(const std::string& path) {
  auto file = InputFile::open(path);
  if (!file) return tl::unexpected(file.error());
  return open(std::move(*file));
}

tl::expected<std::unique_ptr<Reader>, Error> Reader::open(std::unique_ptr<InputFile> file) {
  const std::string path = file->path();
  if (file->size() == 0) {
    return tl::unexpected(Error{Error::Kind::kNotAnArchive,
                                path + " is empty: nothing was recorded into it, or not yet"});
  }
  if (const auto first = read_block_header(*file, 0); first && !is_known_major(first->major)) {
    const std::string needed = std::to_string(first->major) + "." + std::to_string(first->minor);
    return tl::unexpected(
        Error{Error::Kind::kNewerFormat, path + " is in archive format " + needed +
                                             ", and this version of Reprise reads formats up to " +
                                             std::to_string(kJournalMajorVersion) +
                                             ".x; use a Reprise that reads format " + needed});
  }
  const bool marked = has_magic(*file);
  auto reader = std::make_unique<ArchiveReader>(std::move(file));
  if (reader->begin()) return reader;
  if (marked) {
    return tl::unexpected(
        Error{Error::Kind::kDamaged,
              path + " begins as a Reprise archive but has not one whole block; it is "
                     "damaged, or was cut off at once"});
  }
  return tl::unexpected(
      Error{Error::Kind::kNotAnArchive,
            path + " is not a Reprise archive (no block of one was found in it)"});
}

}  // namespace reprise::archive
