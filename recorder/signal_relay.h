// Signals sent to the recorder are meant for the service.
//
// The service shares the recorder's process group: what the terminal sends (Ctrl-C, Ctrl-\,
// hang-up) reaches it by itself and is not sent a second time. A signal from a process is passed
// on, but not when the sender addressed the whole group (timeout(1) does): then the service's own
// record of the same signal from the same sender, a moment before or after, shows that it has it.
//
// Of the recorder's own is SIGXFSZ only: a file that may not grow is an error to tell, and not the
// recorder's end. Blocked and not ignored, which the service would inherit.
//
// Ownership: blocks the signals for this thread, and for threads made later, while it lives.
// Threading: one thread.
#pragma once

#include <signal.h>

#include <cstdint>
#include <vector>

#include "event/event.h"

namespace reprise::recorder {

class SignalRelay final : public event::Observer {
 public:
  SignalRelay();
  ~SignalRelay() override;
  SignalRelay(const SignalRelay&) = delete;
  SignalRelay& operator=(const SignalRelay&) = delete;

  // Readable when a signal has come, SIGCHLD included.
  int fd() const { return fd_; }
  // The mask that children start with.
  const sigset_t& former_mask() const { return former_; }

  // Takes what has come. True when a child changed.
  bool read(std::uint64_t now_ns);
  // Signals whose moment has passed and which are to be sent now.
  std::vector<int> due(std::uint64_t now_ns);
  // CLOCK_MONOTONIC when the next one is due, 0 for none.
  std::uint64_t next_due_ns() const;
  // Of the terminal: reached the service if that is still in the foreground group.
  std::vector<int> take_from_terminal();
  // Whether any has come that asks a program to end.
  bool asked_to_end() const { return asked_to_end_; }

  void on_event(const event::Event& event) override;

 private:
  struct Waiting {
    int number;
    std::int32_t sender;
    std::uint64_t due_ns;
  };

  // Takes one such signal out of `signals`; false when there is none.
  static bool take_same(std::vector<Waiting>& signals, const Waiting& signal);

  int fd_ = -1;
  sigset_t former_{};
  std::uint64_t now_ns_ = 0;      // as last told
  std::vector<Waiting> waiting_;  // seen here and not yet by the service
  std::vector<Waiting> seen_;     // by the service and not yet here; forgotten when due
  std::vector<int> from_terminal_;
  bool asked_to_end_ = false;
};

}  // namespace reprise::recorder
