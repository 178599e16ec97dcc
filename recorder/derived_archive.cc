#include "recorder/derived_archive.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <optional>
#include <utility>

#include "archive/file.h"
#include "archive/writer.h"
#include "recorder/derivation.h"
#include "recorder/session_directory.h"

namespace reprise::recorder {
namespace {

using archive::Error;
using archive::Reader;
using OpenedReader = tl::expected<std::unique_ptr<Reader>, Error>;

// A file that is removed unless it was given its place.
class NewFile {
 public:
  explicit NewFile(std::string path) : path_(std::move(path)) {}
  ~NewFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  const std::string& path() const { return path_; }
  // In place of `old`, whose permissions it gets.
  [[nodiscard]] bool replace(const std::string& old) {
    struct stat status {};
    if (::stat(old.c_str(), &status) != 0) return false;
    if (::chmod(path_.c_str(), status.st_mode & 07777) != 0) return false;
    if (std::rename(path_.c_str(), old.c_str()) != 0) return false;
    path_.clear();
    return true;
  }

 private:
  std::string path_;
};

archive::Header derived_header(const Reader& journal) {
  archive::Header header = journal.header();
  header.journal = 0;
  return header;
}

tl::expected<void, Error> derive_into(Reader& journal, const std::string& path) {
  auto writer = archive::Writer::create(path, derived_header(journal), {});
  if (!writer) return tl::unexpected(writer.error());
  archive::Trailer trailer;
  if (auto derived = derive(journal, **writer, trailer); !derived) return derived;
  if (!journal.trailer()) return {};  // no end either
  return (*writer)->finish(trailer);
}

std::string temporary_path() {
  std::error_code ignored;
  std::filesystem::path directory = std::filesystem::temp_directory_path(ignored);
  if (directory.empty()) directory = "/tmp";
  return (directory / ("reprise-" + random_hex(16) + ".reprise")).string();
}

// The archive at `path` under the name of the journal, whose damage is its own.
OpenedReader open_derived(const std::string& path, const Reader& journal) {
  auto reader = Reader::open(path);
  if (reader) (*reader)->add_damage(journal.damage());
  return reader;
}

OpenedReader derive_aside(Reader& journal, const std::string& path) {
  const NewFile file(temporary_path());
  if (auto derived = derive_into(journal, file.path()); !derived) {
    return tl::unexpected(
        Error{derived.error().kind, path + " cannot be worked out: " + derived.error().message});
  }
  return open_derived(file.path(), journal);
}

// None when it cannot be written there.
std::optional<OpenedReader> derive_in_place(Reader& journal, const std::string& name) {
  std::error_code failed;
  const std::string path = std::filesystem::canonical(name, failed).string();  // not a link to it
  if (failed) return std::nullopt;
  NewFile file(path + ".deriving-" + random_hex(8));
  if (!derive_into(journal, file.path())) return std::nullopt;
  // Of one that is not whole more may be read some day: it is kept.
  if (!journal.is_whole() || !file.replace(path)) return open_derived(file.path(), journal);
  return Reader::open(path);
}

}  // namespace

OpenedReader open_archive(const std::string& path,
                          const std::function<void(std::uint64_t)>& deriving) {
  auto reader = Reader::open(path);
  if (!reader || (*reader)->header().journal == 0) return reader;
  std::error_code ignored;
  if (deriving) deriving(std::filesystem::file_size(path, ignored));
  Reader& journal = **reader;
  if (journal.is_whole()) {
    if (auto derived = derive_in_place(journal, path)) return *std::move(derived);
  }
  return derive_aside(journal, path);
}

}  // namespace reprise::recorder
