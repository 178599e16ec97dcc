#include "recorder/socket_journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

namespace reprise::recorder {
namespace {

struct Entry {
  std::uint64_t cookie;
  std::uint64_t connection;
};

}  // namespace

tl::expected<SocketJournal, Error> SocketJournal::create(const std::string& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) return tl::unexpected(Error{"cannot make " + path + ": " + std::strerror(errno)});
  return SocketJournal(file);
}

std::map<event::ConnectionId, abi::Cookie> SocketJournal::read(const std::string& path) {
  std::map<event::ConnectionId, abi::Cookie> sockets;
  std::ifstream file(path, std::ios::binary);
  Entry entry{};
  while (file.read(reinterpret_cast<char*>(&entry), sizeof entry)) {
    sockets[event::ConnectionId{entry.connection}] = entry.cookie;
  }
  return sockets;
}

SocketJournal::SocketJournal(SocketJournal&& other) noexcept
    : file_(std::exchange(other.file_, -1)), empty_(other.empty_) {}

SocketJournal::~SocketJournal() {
  if (file_ >= 0) ::close(file_);
}

void SocketJournal::add(abi::Cookie cookie, event::ConnectionId connection) {
  const Entry entry{cookie, connection.value};
  // Without room a recovery would take the rest of the connection for another one; nothing worse.
  [[maybe_unused]] const ssize_t written = ::write(file_, &entry, sizeof entry);
  empty_ = false;
}

void SocketJournal::clear() {
  if (empty_) return;
  empty_ = ::ftruncate(file_, 0) == 0;
}

}  // namespace reprise::recorder
