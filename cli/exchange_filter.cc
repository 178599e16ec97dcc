#include "cli/exchange_filter.h"

#include <fnmatch.h>

#include <algorithm>
#include <cctype>

#include "cli/archive_access.h"
#include "cli/exchange_search.h"

namespace reprise::cli {
namespace {

bool same_ignoring_case(const std::string& a, const std::string& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

// "5xx" stands for all statuses of three digits that begin with 5.
bool status_matches(std::string pattern, const std::string& status) {
  if (pattern.size() == 3 && std::isdigit(static_cast<unsigned char>(pattern[0])) != 0 &&
      same_ignoring_case(pattern.substr(1), "xx")) {
    pattern.replace(1, 2, "??");
  }
  return fnmatch(pattern.c_str(), status.c_str(), 0) == 0;
}

template <typename Matches>
bool any_or_none(const std::vector<std::string>& wanted, Matches matches) {
  return wanted.empty() || std::any_of(wanted.begin(), wanted.end(), matches);
}

}  // namespace

tl::expected<ExchangeFilter, std::string> ExchangeFilter::make(const FilterOptions& options,
                                                               archive::Reader& reader) {
  ExchangeFilter filter;
  filter.options_ = options;
  filter.header_ = &reader.header();
  if (!options.target_regex.empty()) {
    try {
      filter.target_regex_.emplace(options.target_regex, std::regex::ECMAScript);
    } catch (const std::regex_error& error) {
      return tl::unexpected("`" + options.target_regex +
                            "` is no regular expression: " + error.what());
    }
  }
  if (!options.find.empty()) filter.found_ = find_exchanges(reader, options.find);
  return filter;
}

bool ExchangeFilter::matches(const event::Exchange& exchange) const {
  const FilterOptions& wanted = options_;
  if (wanted.incomplete && exchange.complete) return false;
  if (!wanted.find.empty() && found_.count(exchange.id.value) == 0) return false;
  if (wanted.slower_than) {
    const auto duration = duration_of(*header_, exchange);
    if (!duration || *duration < wanted.slower_than->count()) return false;
  }
  if (target_regex_ && !std::regex_search(exchange.target, *target_regex_)) return false;
  return any_or_none(wanted.statuses,
                     [&](const std::string& s) { return status_matches(s, exchange.status); }) &&
         any_or_none(
             wanted.methods,
             [&](const std::string& m) { return same_ignoring_case(m, exchange.method); }) &&
         any_or_none(wanted.targets, [&](const std::string& t) {
           return fnmatch(t.c_str(), exchange.target.c_str(), 0) == 0;
         });
}

}  // namespace reprise::cli
