// The report for people: what differs, alike things together, the weightiest first, and not longer
// than a person reads.
//
// Collects as differences are found; memory is bounded by the number of kinds of difference that it
// tells apart. Lines are plain data: whoever prints them escapes, cuts and colours them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "diff/alignment.h"
#include "diff/difference.h"

namespace reprise::diff {

enum class Tone : std::uint8_t { kPlain, kHeading, kRemark, kGood, kWarning, kRemoved, kAdded };

// One line without its end. `text` may hold anything that was in a message.
struct Line {
  Tone tone = Tone::kPlain;
  std::string text;
};

struct ReportLimits {
  std::size_t groups = 8;       // that are shown
  std::size_t differences = 6;  // of each
};

class Report {
 public:
  void add(const ExchangeDifferences& found);

  bool empty() const { return found_ == 0; }
  // Of the base: the exchange to look at first, 0 when it is none.
  event::ExchangeId first() const;
  std::vector<Line> lines(const Totals& totals, Alignment::Kind alignment, bool exit_compared,
                          const ReportLimits& limits) const;

 private:
  // Exchanges that differ in the same places in the same way.
  struct Group {
    int weight = 0;  // least first
    std::uint64_t order = 0;
    std::uint64_t exchanges = 0;
    std::vector<std::uint64_t> first;  // numbers of some
    ExchangeDifferences example;
    std::uint64_t left_out = 0;  // differences of the example that were not kept
  };

  std::vector<const Group*> ranked() const;
  static void append_heading(const Group& group, std::vector<Line>& lines);
  static void append_group(const Group& group, const ReportLimits& limits,
                           std::vector<Line>& lines);

  std::map<std::string, Group> groups_;
  std::uint64_t found_ = 0;   // exchanges, and things outside exchanges
  std::uint64_t beyond_ = 0;  // of them, in no group: there were too many kinds
};

}  // namespace reprise::diff
