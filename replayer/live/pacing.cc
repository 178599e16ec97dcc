#include "replayer/live/pacing.h"

#include <algorithm>

namespace reprise::replayer {
namespace {

class TimedPacing final : public Pacing {
 public:
  TimedPacing(const std::vector<Course>& courses, const LiveTime& time)
      : courses_(courses), time_(time) {}

  std::optional<Instant> next_begin(Instant, std::size_t) override {
    if (next_ == courses_.size()) return std::nullopt;
    return time_.when(courses_[next_].steps.front().at);
  }
  const Course& begin() override { return courses_[next_++]; }
  std::optional<Instant> due(const Step& step, Instant) override { return time_.when(step.at); }
  bool keeps_offsets() const override { return true; }
  std::uint64_t passes() const override { return next_ > 0 ? 1 : 0; }

 private:
  const std::vector<Course>& courses_;
  const LiveTime time_;
  std::size_t next_ = 0;
};

class LoadPacing final : public Pacing {
 public:
  LoadPacing(const std::vector<Course>& courses, const LoadOptions& options, Instant begin)
      : courses_(courses), options_(options), begin_(begin) {}

  std::optional<Instant> next_begin(Instant now, std::size_t running) override {
    if (running >= options_.concurrency || courses_.empty() || is_over(now)) return std::nullopt;
    if (options_.once() && begun_ == courses_.size()) return std::nullopt;
    return now;
  }
  const Course& begin() override { return courses_[begun_++ % courses_.size()]; }

  std::optional<Instant> due(const Step& step, Instant now) override {
    if (step.begins == 0) return now;
    if (is_over(now)) return std::nullopt;
    const std::uint64_t number = requests_;
    requests_ += step.begins;
    if (options_.rate <= 0) return now;
    // Of requests that are late by now the delay counts, from when each was due.
    const auto offset = static_cast<double>(number) * 1e9 / options_.rate;
    return begin_ + nanoseconds{static_cast<std::int64_t>(offset)};
  }

  bool keeps_offsets() const override { return false; }

  std::uint64_t passes() const override {
    return courses_.empty() ? 0 : (begun_ + courses_.size() - 1) / courses_.size();
  }

 private:
  bool is_over(Instant now) const {
    return (options_.requests && requests_ >= *options_.requests) ||
           (options_.duration && now - begin_ >= *options_.duration);
  }

  const std::vector<Course>& courses_;
  const LoadOptions options_;
  const Instant begin_;
  std::uint64_t begun_ = 0;  // courses
  std::uint64_t requests_ = 0;
};

}  // namespace

std::unique_ptr<Pacing> pace_timed(const std::vector<Course>& courses, const LiveTime& time) {
  return std::make_unique<TimedPacing>(courses, time);
}

std::unique_ptr<Pacing> pace_load(const std::vector<Course>& courses, const LoadOptions& options,
                                  Instant begin) {
  return std::make_unique<LoadPacing>(courses, options, begin);
}

std::unique_ptr<Pacing> pace(const std::vector<Course>& courses, const LiveOptions& options,
                             Instant begin) {
  if (options.load) return pace_load(courses, *options.load, begin);
  const Moment first = courses.empty() ? Moment{} : courses.front().steps.front().at;
  return pace_timed(courses, LiveTime(first, begin, options.speed));
}

}  // namespace reprise::replayer
