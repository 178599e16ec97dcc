// Which socket got which connection number since the archive was last flushed.
//
// Records name sockets by cookie, events by connection number. Events and what is derived from them
// are flushed together, but a large stretch of events may reach the file alone; a recorder killed
// then leaves numbers in the archive whose cookies only this file in the session directory tells.
// Entries are few: each stands for a record that is still in the arena.
//
// Ownership: owns the file descriptor. Thread-compatible.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tl/expected.hpp>

#include "agent/abi/records.h"
#include "event/ids.h"
#include "recorder/error.h"

namespace reprise::recorder {

class SocketJournal {
 public:
  [[nodiscard]] static tl::expected<SocketJournal, Error> create(const std::string& path);
  // What a killed recorder left; nothing when there is no such file.
  static std::map<event::ConnectionId, abi::Cookie> read(const std::string& path);

  SocketJournal(SocketJournal&& other) noexcept;
  SocketJournal& operator=(SocketJournal&&) = delete;
  ~SocketJournal();

  void add(abi::Cookie cookie, event::ConnectionId connection);
  // Everything is in the archive.
  void clear();

 private:
  explicit SocketJournal(int file) : file_(file) {}

  int file_;
  bool empty_ = true;
};

}  // namespace reprise::recorder
