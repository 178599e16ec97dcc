// When the clients of a replay in real time begin, and when they take their steps.
//
// `timed` has everything at its recorded offset from the first input; `load` keeps so many clients
// under way, each of which takes its next step as soon as it may, or, with a rate, when the next
// request of all is due.
//
// Ownership: borrows the courses. Threading: the clients' thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "replayer/live/course.h"
#include "replayer/live/live_options.h"
#include "replayer/live/live_time.h"

namespace reprise::replayer {

class Pacing {
 public:
  virtual ~Pacing() = default;

  // When the next course begins, of which `running` are under way; none: not before one of them
  // ends.
  virtual std::optional<Instant> next_begin(Instant now, std::size_t running) = 0;
  // That course begins. Precondition: next_begin() told when.
  virtual const Course& begin() = 0;
  // When a step of a course is due, told once for each; none: the course ends before it. Where
  // keeps_offsets() is false a step has no time before it may be taken, which is `now`.
  virtual std::optional<Instant> due(const Step& step, Instant now) = 0;
  // Whether everything has a time of its own, from the recording.
  virtual bool keeps_offsets() const = 0;
  // How often the recording was begun.
  virtual std::uint64_t passes() const = 0;
};

[[nodiscard]] std::unique_ptr<Pacing> pace_timed(const std::vector<Course>& courses,
                                                 const LiveTime& time);
[[nodiscard]] std::unique_ptr<Pacing> pace_load(const std::vector<Course>& courses,
                                                const LoadOptions& options, Instant begin);
// As `options` say, from `begin` on. Offsets are those from the first input, however long the
// service took to start.
[[nodiscard]] std::unique_ptr<Pacing> pace(const std::vector<Course>& courses,
                                           const LiveOptions& options, Instant begin);

}  // namespace reprise::replayer
