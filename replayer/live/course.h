// What one recorded client did, step by step, and what it had been answered before each.
//
// Ownership: borrows the plan. Immutable.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "replayer/plan.h"

namespace reprise::replayer {

struct Step {
  enum class Kind : std::uint8_t { kOpen, kChunk, kEnd };
  Kind kind = Kind::kOpen;
  Moment at;                                           // when the recording had it
  std::uint32_t chunk = 0;                             // in Inputs::chunks
  std::optional<std::span<const std::uint8_t>> bytes;  // of the chunk, where they lie in one piece
  // In RecordedConnection::transactions: those that it begins, and those whose requests it
  // completes.
  std::uint32_t begins = 0, completes = 0;
  std::uint32_t first_begun = 0, first_completed = 0;
  // Responses of this course that the recording had before it.
  std::uint32_t needs = 0;
};

struct Course {
  const RecordedConnection* connection = nullptr;
  std::vector<Step> steps;  // the first opens the connection
};

// How many of its exchanges the recording had answered by then.
[[nodiscard]] std::uint64_t answered_by(const Plan& plan, const Course& course, Moment at);

// Whether it begins an exchange after that.
[[nodiscard]] bool begins_after(const Course& course, Moment at);

// Of every connection that is driven, in the order in which they were opened.
[[nodiscard]] std::vector<Course> lay_courses(const Plan& plan);

}  // namespace reprise::replayer
