// The journal of a recording: what its recorder takes down while the service runs, so that all else
// can wait until somebody reads it.
//
// It holds the records that the agent made, byte for byte and in order, and between them notes of
// what only the recorder could know at that moment: who wrote them, what was lost, who ended, what
// a file held. Events, connections, exchanges and calls follow from it alone
// (recorder/derivation.h), as often as one likes. The bytes are specified in
// docs/archive_format.md.
//
// Slots are those of the arena; a slot may belong to several threads or processes one after
// another. Plain data; thread-compatible.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "event/event.h"

namespace reprise::archive {

// Consecutive records of one thread. `position` is that of the first in the thread's stream.
struct JournalRun {
  std::uint32_t slot = 0;
  std::uint64_t position = 0;
  std::span<const std::uint8_t> records;
};

// A record whose last bytes are the content of that number, stored once; `head` is what comes
// before them. As many zeros follow as the record's own size says.
struct JournalReference {
  std::uint32_t slot = 0;
  std::uint64_t position = 0;
  std::uint64_t content = 0;
  std::span<const std::uint8_t> head;
};

// Bytes of a thread's stream from `position` on that records of this page name (abi::kBrief) and
// that are not in the page otherwise: `head`, and then the content of that number, if it is not 0.
struct JournalEarlier {
  std::uint32_t slot = 0;
  std::uint64_t position = 0;
  std::uint64_t content = 0;
  std::span<const std::uint8_t> head;
};

namespace journal {

// The environment that the service was started with (NAME=value; secrets masked).
struct Begun {
  std::vector<std::string> environment;
};
// Who has a process slot. Comes before the record of the fork that made it, too.
struct Process {
  std::uint32_t slot = 0;
  std::int32_t pid = 0;
  std::uint32_t parent = 0;  // slot
  std::uint32_t ordinal = 0;
  std::uint32_t image = 0;
  std::string path;
};
// Who has a thread slot from here on.
struct Thread {
  std::uint32_t slot = 0;
  std::uint32_t ordinal = 0, creator = 0;
  std::int32_t tid = 0;
  Process process;
};
struct ThreadGone {
  std::uint32_t slot = 0;
};
// All records of its threads are before this.
struct ProcessGone {
  std::uint32_t slot = 0;
  event::Stamp now;
};
// How a process ended, as the system tells its parent.
struct Status {
  std::int32_t pid = 0;
  event::ProcessExited exit;
};
// Records of a thread that could not be had; of nobody known when the slot is none.
struct Loss {
  std::uint32_t slot = 0;
  std::uint64_t position = 0, records = 0, bytes = 0;
  std::string reason;
};
// Something that no record tells of is missing.
struct Missing {
  std::string reason;
  std::uint64_t records = 0;
  event::Stamp now;
};
// Time has passed.
struct Tick {
  event::Stamp now;
};
// What was read of a file that was sent by reference: its content, or why there is none.
struct FileRead {
  std::uint64_t device = 0, inode = 0, file_size = 0, modified_ns = 0;
  std::uint64_t file_offset = 0, length = 0;
  std::optional<std::uint64_t> content;
  std::string why;
};
// A file that was read at start, of the record that follows; `time_zone`: of the process that
// starts with the record that follows.
struct StartFile {
  event::FileOpened file;
  bool time_zone = false;
};
// The recording is over.
struct Ended {
  event::Stamp now;
};

// New ones are added at the end.
using Note = std::variant<Begun, Process, Thread, ThreadGone, ProcessGone, Status, Loss, Missing,
                          Tick, FileRead, StartFile, Ended>;

}  // namespace journal

class JournalVisitor {
 public:
  virtual ~JournalVisitor() = default;
  // Valid until on_page_end().
  virtual void on_run(const JournalRun& run) = 0;
  virtual void on_reference(const JournalReference& reference) = 0;
  virtual void on_earlier(const JournalEarlier& earlier) = 0;
  virtual void on_note(const journal::Note& note) = 0;
  // What the visitor was given so far is void.
  virtual void on_page_end() {}
};

}  // namespace reprise::archive
