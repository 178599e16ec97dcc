// What an archive says about itself, and what can be wrong with one. The bytes are specified in
// docs/archive_format.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "event/exchange.h"

namespace reprise::archive {

// First block of every archive.
struct Header {
  std::string session;               // 32 hex digits
  std::string reprise_version;       // that wrote it
  std::vector<std::string> command;  // program and arguments
  std::string working_directory;
  std::string host;
  bool replay = false;    // made by a replay
  std::string replay_of;  // session of the archive that was replayed
  // Not 0: of that archive only this exchange was to be replayed, with all that began before it if
  // `replayed_prefix`.
  std::uint64_t replayed_only = 0;
  bool replayed_prefix = false;
  std::uint64_t stamps_per_second = 0;
  event::Stamp epoch;  // taken together with the two clocks below
  std::int64_t realtime_epoch_ns = 0;
  std::int64_t monotonic_epoch_ns = 0;
  // Not 0: the file holds what a recorder took down (archive/journal.h), and events are yet to be
  // derived from it. Version of the agent's records in it (abi::kRecordVersion).
  std::uint32_t journal = 0;

  event::UnixNanos unix_time(event::Stamp stamp) const;
  std::int64_t nanoseconds(event::Stamp from, event::Stamp to) const;
};

// Last words; absent when the recorder was killed.
struct Trailer {
  std::uint64_t events = 0, exchanges = 0, calls = 0, connections = 0;
  std::uint64_t gaps = 0;          // Gap events
  std::uint64_t dropped = 0;       // records lost in them
  std::uint64_t unattributed = 0;  // calls and draws
  event::ProcessExited exit;       // of the root process
  bool exited = false;             // false: it was still running when the recording stopped
  bool recovered = false;          // closed by `reprise recover`, not by the recorder
};

// One problem of an archive, located.
struct Damage {
  std::uint64_t offset = 0;  // in the file
  std::uint64_t bytes = 0;   // not readable
  std::string what;          // "checksum of block 12 does not match"
};

struct Error {
  enum class Kind : std::uint8_t {
    kNotFound,
    kNoPermission,
    kNotAnArchive,
    kNewerFormat,
    kDamaged,
    kExists,
    kDiskFull,
    kIo,
    kNoSuchExchange,
  };
  Kind kind = Kind::kIo;
  std::string message;  // what happened, to what, and what to do
};

}  // namespace reprise::archive
