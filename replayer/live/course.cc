#include "replayer/live/course.h"

#include <algorithm>
#include <unordered_map>

namespace reprise::replayer {
namespace {

// Appends the steps of one connection's units, which come in order.
class Laying {
 public:
  Laying(const Plan& plan, Course& course) : plan_(plan), course_(course) {}

  void add(const Unit& unit) {
    if (unit.opens) {
      Step& open = add(Step::Kind::kOpen, std::min(unit.at, course_.connection->opened));
      if (unit.chunks == 0) begin(open, unit), complete(open, unit);
    }
    for (std::uint32_t i = 0; i < unit.chunks; ++i) {
      const std::uint32_t chunk = unit.first_chunk + i;
      Step& step = add(Step::Kind::kChunk, plan_.inputs.chunks[chunk].at);
      step.chunk = chunk;
      step.bytes = plan_.streams->in_one_piece({course_.connection->id, Flow::kReceived},
                                               plan_.inputs.chunks[chunk].bytes);
      if (i == 0) begin(step, unit);
      if (i + 1 == unit.chunks) complete(step, unit);
    }
    for (std::uint32_t i = 0; i < unit.exchanges; ++i) begun_.push_back(unit.first_exchange + i);
    if (unit.ends) add(Step::Kind::kEnd, plan_.inputs.of(unit.connection).ended);
  }

 private:
  Step& add(Step::Kind kind, Moment at) {
    const bool first = course_.steps.empty();
    Step step{.kind = kind, .at = first ? at : std::max(at, course_.steps.back().at)};
    step.needs = answered_before(step.at);
    return course_.steps.emplace_back(step);
  }

  static void begin(Step& step, const Unit& unit) {
    step.first_begun = unit.first_exchange;
    step.begins = unit.exchanges;
  }

  static void complete(Step& step, const Unit& unit) {
    step.first_completed = unit.first_exchange;
    step.completes = unit.exchanges;
  }

  // Responses come in the order of requests: those from the first on that were there by then.
  std::uint32_t answered_before(Moment at) {
    for (; seen_ < begun_.size(); ++seen_) {
      const std::uint32_t transaction = begun_[seen_];
      const RecordedExchange& exchange =
          plan_.exchanges[course_.connection->transactions[transaction]];
      if (!exchange.answered()) continue;
      if (exchange.last_byte_out > at) break;
      ++answered_;
    }
    return answered_;
  }

  const Plan& plan_;
  Course& course_;
  std::vector<std::uint32_t> begun_;  // transactions
  std::size_t seen_ = 0;              // in begun_
  std::uint32_t answered_ = 0;
};

}  // namespace

std::uint64_t answered_by(const Plan& plan, const Course& course, Moment at) {
  std::uint64_t answered = 0;
  for (const Step& step : course.steps) {
    for (std::uint32_t i = 0; i < step.begins; ++i) {
      const std::uint32_t number = course.connection->transactions[step.first_begun + i];
      const RecordedExchange& exchange = plan.exchanges[number];
      answered += exchange.answered() && exchange.last_byte_out <= at ? 1 : 0;
    }
  }
  return answered;
}

bool begins_after(const Course& course, Moment at) {
  return std::ranges::any_of(course.steps,
                             [at](const Step& step) { return step.begins > 0 && step.at > at; });
}

std::vector<Course> lay_courses(const Plan& plan) {
  std::vector<Course> courses;
  std::unordered_map<event::ConnectionId, std::vector<const Unit*>> units;
  std::vector<event::ConnectionId> order;
  for (const Unit& unit : plan.units) {
    if (!unit.connection) continue;
    auto& own = units[unit.connection];
    if (own.empty()) order.push_back(unit.connection);
    own.push_back(&unit);
  }
  for (const event::ConnectionId id : order) {
    Course& course = courses.emplace_back();
    course.connection = plan.connection(id);
    Laying laying(plan, course);
    for (const Unit* unit : units[id]) laying.add(*unit);
  }
  return courses;
}

}  // namespace reprise::replayer
