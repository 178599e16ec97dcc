// Which thread of the service runs next, where they run one at a time (agent/abi/control.h, Gate).
// Where they do not, nobody is ever held.
//
// Ownership: borrows plan, control file and threads. Threading: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "replayer/control.h"
#include "replayer/moment.h"
#include "replayer/plan.h"
#include "replayer/threads.h"

namespace reprise::replayer {

class Turns {
 public:
  Turns(const Plan& plan, Control& control, const Threads& threads)
      : plan_(plan), control_(control), threads_(threads) {}

  struct Held {
    std::uint32_t slot = 0;
    Moment step;  // when the recording had what it does next; kAwake when that is not known
    friend bool operator==(const Held&, const Held&) = default;
  };
  static constexpr Moment kAwake{abi::kAwake};

  // Who waits for the turn and has the next: the one whose step was recorded first, and before all
  // of them those that woke and have not said what they do. Of several that woke the recorded
  // thread comes first (expect()), then the one that was made first.
  std::optional<Held> next() const;

  // That recorded thread, if it waits for the turn.
  std::optional<Held> held_by(event::ThreadId recorded) const;

  // Opens the gate of that thread. `others`: the earliest of what else may happen.
  void give(const Held& held, Moment others);

  // That recorded thread had the input that is released now.
  void expect(event::ThreadId recorded);
  // Something else is released.
  void expect_nobody() { expected_.clear(); }

 private:
  std::optional<Held> held_in(std::uint32_t slot) const;
  Moment earliest_step_but(std::uint32_t slot) const;
  bool comes_before(const Held& one, const Held& other) const;
  bool is_expected(std::uint32_t slot) const;

  bool is(std::uint32_t slot, const RecordedThread& thread) const;

  const Plan& plan_;
  Control& control_;
  const Threads& threads_;
  std::vector<RecordedThread> expected_;
};

}  // namespace reprise::replayer
