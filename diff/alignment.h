// Which exchange of one archive stands for which of the other.
//
// When one archive is a replay of the other, or both are replays of a third, exchanges stand for
// each other by recorded connection and ordinal on it. Otherwise by method and target, the first
// with the first and so on. Memory is a few words for each exchange of the candidate.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "archive/reader.h"
#include "event/exchange.h"

namespace reprise::diff {

class Alignment {
 public:
  enum class Kind : std::uint8_t { kRecordedConnection, kMethodAndTarget };

  // Reads connections and exchanges of both; borrows neither afterwards.
  Alignment(archive::Reader& base, archive::Reader& candidate);

  Kind kind() const { return kind_; }
  // The candidate's exchange that stands for `exchange` of the base, which is given away once; none
  // when there is none (left).
  std::optional<event::ExchangeId> take(const event::Exchange& exchange);
  // Whether an exchange of the candidate was never taken.
  bool left(event::ExchangeId candidate) const;

 private:
  using Connections = std::unordered_map<std::uint64_t, std::uint64_t>;

  std::string key_of(const event::Exchange& exchange, const Connections* recorded) const;

  Kind kind_ = Kind::kMethodAndTarget;
  bool base_recorded_ = false, candidate_recorded_ = false;
  Connections base_connections_, candidate_connections_;  // own number -> recorded one
  struct Queue {
    std::vector<std::uint64_t> ids;  // in order of arrival
    std::size_t next = 0;
  };
  std::unordered_map<std::string, Queue> waiting_;
  std::unordered_set<std::uint64_t> taken_;  // by the candidate's number
};

}  // namespace reprise::diff
