// The schedule that `reprise replay` is asked for, with what goes with it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "cli/arguments.h"
#include "replayer/live/live_options.h"
#include "replayer/schedules.h"

namespace reprise::cli {

class ScheduleChoice {
 public:
  // Declares --schedule and the options that go with one of them.
  void declare(Arguments& arguments);

  // What does not go together, "" when all does.
  [[nodiscard]] std::string mistake() const;

  // "serial", "recorded", "timed", "load".
  const std::string& name() const { return name_; }
  // The service is driven in real time: nothing of it is the same in every run.
  bool is_live() const { return name_ == "timed" || name_ == "load"; }
  // The service runs without the agent.
  bool is_plain() const { return plain_; }
  // Where it listens then; none: where the recorded one did.
  std::optional<std::uint16_t> port() const;
  // Precondition: is_live().
  replayer::LiveOptions live() const;

 private:
  std::string stray_option() const;

  std::string name_ = replayer::kDefaultSchedule;
  std::optional<double> speed_, rate_;
  std::optional<std::uint64_t> concurrency_, requests_;
  std::optional<std::chrono::nanoseconds> duration_;
  bool plain_ = false;
  std::optional<std::uint64_t> port_;
};

}  // namespace reprise::cli
