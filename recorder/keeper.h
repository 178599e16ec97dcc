// What becomes of the records that are drained, and of what the session itself sees: a journal
// keeps them for later (recordings), a collector makes events of them at once (replays).
//
// Threading: the session's thread.
#pragma once

#include <cstdint>
#include <string>

#include "event/event.h"
#include "recorder/drain.h"

namespace reprise::recorder {

class Keeper : public RecordConsumer {
 public:
  // How a process ended, as the system tells its parent (waitpid).
  virtual void on_status(std::int32_t pid, event::ProcessExited exit) = 0;
  // Something is missing that no record tells of; `records` of it, if that is known.
  virtual void on_gap(const std::string& reason, std::uint64_t records) = 0;
  // What is still held is given to the archive's writer, which is about to be flushed.
  virtual void hand_on() = 0;
  // Everything is in the archive and segments were given back: views into the arena are void.
  virtual void settled() = 0;
  // A few times a second.
  virtual void age() = 0;
  // The recording is over.
  virtual void finish() = 0;
};

}  // namespace reprise::recorder
