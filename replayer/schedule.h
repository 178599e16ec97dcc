// The rule for what the replayer releases next.
//
// The engine shows a schedule the board: what could be released, and when each thing is due. The
// schedule picks one. It sees the board whenever the service rests, or may have to be asked anyway
// (Board::quiescent false).
//
// `serial` is in serial_schedule.h, `recorded` in recorded_schedule.h. Threading: one thread.
#pragma once

#include <cstdint>
#include <optional>

#include "replayer/moment.h"

namespace reprise::replayer {

// What could be released, and when. All moments are virtual time, but `recorded` ones.
struct Board {
  Moment now;
  bool quiescent = false;

  // The next unit in recorded order.
  struct NextUnit {
    Moment recorded;
    bool starts_exchange = false;
    bool ready = false;  // the service listens where it goes
  };
  std::optional<NextUnit> unit;  // none: all were released

  std::optional<Moment> step;      // the next step of a unit that was released
  std::optional<Moment> output;    // the next thing the responder owes
  std::optional<Moment> deadline;  // the earliest of a waiting thread
  // When the recording had the next step of a thread that waits for its turn; before everything
  // when that is not known.
  std::optional<Moment> turn;

  bool outstanding = false;           // exchanges wait for their answer
  bool outstanding_answered = false;  // which one of them got in the recording
  Moment outstanding_recorded_end;    // when the recording had answered them
  Moment outstanding_end;             // the same in virtual time
  // When the recording had answered the first of them that is still waited for; none: there is
  // none, or waiting was in vain.
  std::optional<Moment> answer_expected;
  bool blocked_output = false;  // something is owed, but the service did not read what came before
  std::uint64_t fired = 0;      // deadlines fired since anything was released
};

enum class Release : std::uint8_t {
  kNothing,  // wait for the service
  kStep,
  kOutput,
  kForcedOutput,  // though the service did not read what came before it
  kUnit,
  kUnitEarly,     // before the answer to one released before it
  kTurn,          // a thread that waits for its turn
  kDeadline,      // nothing but time passes
  kExpire,        // what answer_expected tells is waited for no longer
  kGiveUp,        // the outstanding exchanges will not be answered
  kFinish,        // everything was released
  kNotListening,  // the next unit cannot be released, and nothing will change that
};

class Schedule {
 public:
  virtual ~Schedule() = default;
  // Whether everything happens at its recorded moment, and threads run one at a time; else as long
  // after what it follows as it did in the recording.
  virtual bool is_as_recorded() const = 0;
  virtual Release choose(const Board& board) = 0;
};

}  // namespace reprise::replayer
