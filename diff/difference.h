// One difference between two archives, as plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "event/ids.h"

namespace reprise::diff {

enum class Kind : std::uint8_t {
  kChanged,     // both have it, with different values
  kMissing,     // only the base has it
  kExtra,       // only the candidate has it
  kType,        // JSON values of different types, or JSON in one and something else in the other
  kReordered,   // an external call that was made earlier or later than in the base
  kIncomplete,  // one of the two was captured in part, so that it cannot be compared
};
const char* kind_text(Kind kind);  // "changed", as in the machine-readable form

// One side of a difference. `text` is as it was in the message and may be anything, unless `json`
// says that it is a JSON value, numbers written as they were sent.
struct Content {
  std::string text;
  bool json = false;
  friend bool operator==(const Content&, const Content&) = default;
};

// `where` is a path: `response.status`, `response.header.Date`, `response.body.$.items[2].price`,
// `response.body.line[3]`, `response.body.byte[16]`, `call[1].request.body`, `exit`. Elements,
// lines, bytes and calls have the number they have in the base, extra ones that of the candidate;
// lines count from 1, everything else from 0.
struct Difference {
  std::string where;
  Kind kind = Kind::kChanged;
  std::optional<Content> base, candidate;
  friend bool operator==(const Difference&, const Difference&) = default;
};
using Differences = std::vector<Difference>;

inline Difference changed(std::string where, std::string base, std::string candidate) {
  return {std::move(where), Kind::kChanged, Content{std::move(base)},
          Content{std::move(candidate)}};
}
inline Difference missing(std::string where, std::string base) {
  return {std::move(where), Kind::kMissing, Content{std::move(base)}, std::nullopt};
}
inline Difference extra(std::string where, std::string candidate) {
  return {std::move(where), Kind::kExtra, std::nullopt, Content{std::move(candidate)}};
}

// An exchange that differs. An exchange only one archive has is a difference at `exchange`.
struct ExchangeDifferences {
  event::ExchangeId base, candidate;  // 0: this archive does not have it
  std::string name;                   // "POST /checkout"
  Differences differences;
};

// Exchanges, counted.
struct Totals {
  std::uint64_t same = 0, differ = 0, missing = 0, extra = 0;
  // Captured in part in both archives: nothing was found, but not all could be compared.
  std::uint64_t incomplete = 0;
  // Left out by a replay that was of a part of its recording only: no difference.
  std::uint64_t not_replayed = 0;
};

}  // namespace reprise::diff
