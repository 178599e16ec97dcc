// Which exchanges `reprise ls` lists.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <regex>
#include <string>
#include <tl/expected.hpp>
#include <unordered_set>
#include <vector>

#include "archive/reader.h"
#include "event/exchange.h"

namespace reprise::cli {

// As given on the command line; what is empty does not filter. Of several values of one kind any
// may match, of several kinds all must.
struct FilterOptions {
  std::vector<std::string> statuses;  // "500", "5xx", "ERR*"
  std::vector<std::string> methods;   // "POST", any case
  std::vector<std::string> targets;   // globs
  std::string target_regex;
  std::optional<std::chrono::nanoseconds> slower_than;
  bool incomplete = false;
  std::string find;  // text in heads, bodies (decoded too), calls and log lines
};

class ExchangeFilter {
 public:
  // Reads the whole archive if `find` is given. An error is a message for the user.
  [[nodiscard]] static tl::expected<ExchangeFilter, std::string> make(const FilterOptions& options,
                                                                      archive::Reader& reader);
  bool matches(const event::Exchange& exchange) const;

 private:
  FilterOptions options_;
  const archive::Header* header_ = nullptr;
  std::optional<std::regex> target_regex_;
  std::unordered_set<std::uint64_t> found_;  // exchanges with `find` in them
};

}  // namespace reprise::cli
