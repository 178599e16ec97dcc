// Compares the archives of several replays of one recording by the canonical projection.
//
// The first run's projection stays in memory; each other is made, compared and dropped. When one
// differs both archives are read once more, to tell where their bytes do.
//
// Ownership: borrows the plan. Threading: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "event/projection.h"
#include "event/projection_difference.h"
#include "replayer/determinism.h"
#include "replayer/plan.h"

namespace reprise::cli {

class RunComparison {
 public:
  explicit RunComparison(const replayer::Plan& plan) : plan_(plan) {}

  // Takes in the archive of the next run. Whether it is the same as the first; an error when it
  // cannot be read.
  [[nodiscard]] tl::expected<bool, std::string> add(const std::string& archive);

  const replayer::Determinism& result() const { return result_; }

 private:
  tl::expected<replayer::FirstDifference, std::string> explain(const event::ContextKey& context,
                                                               const std::string& archive) const;
  event::ExchangeId exchange_of(const event::ContextKey& context) const;
  void note(const event::ProjectionDifference& difference);

  const replayer::Plan& plan_;
  std::string first_archive_;
  event::Projection first_;
  replayer::Determinism result_{.runs = 0,
                                .identical = 0,
                                .differing = {},
                                .exchanges = {},
                                .elsewhere = false,
                                .first_difference = std::nullopt};
};

}  // namespace reprise::cli
