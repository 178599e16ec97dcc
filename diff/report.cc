#include "diff/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace reprise::diff {
namespace {

constexpr std::size_t kMaxGroups = 1000;
constexpr std::size_t kMaxKept = 1000;  // differences of an example
constexpr std::size_t kNamed = 8;       // exchanges of a group

// `where` with "*" for every number in brackets: what is alike in many exchanges.
std::string place_kind(const Difference& difference) {
  std::string text;
  const std::string& where = difference.where;
  for (std::size_t i = 0; i < where.size(); ++i) {
    text += where[i];
    if (where[i] != '[' || i + 1 == where.size() || where[i + 1] < '0' || where[i + 1] > '9') {
      continue;
    }
    text += '*';
    while (i + 1 < where.size() && where[i + 1] >= '0' && where[i + 1] <= '9') ++i;
  }
  return text + " " + kind_text(difference.kind);
}

std::string signature(const Differences& differences) {
  std::set<std::string> places;
  for (const Difference& difference : differences) places.insert(place_kind(difference));
  std::string text;
  for (const std::string& place : places) text += place + "\n";
  return text;
}

// What a person wants to know first.
int weight_of(const Difference& difference) {
  const std::string& where = difference.where;
  if (where == "exit") return 0;
  if (where == "exchange") return 1;
  if (where == "response.status") return 2;
  if (where.starts_with("response.body")) return 3;
  if (where.starts_with("call[")) return 4;
  if (where.starts_with("response.")) return 5;
  return 6;
}

std::string plural(std::uint64_t count, const std::string& noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

Line summary_line(const Totals& totals, bool nothing_found) {
  const std::uint64_t compared =
      totals.same + totals.differ + totals.missing + totals.extra + totals.incomplete;
  std::string text = plural(compared, "exchange") + ": " + std::to_string(totals.same) + " same";
  const auto add = [&](std::uint64_t count, const char* what) {
    if (count != 0) text += fmt::format(", {} {}", count, what);
  };
  add(totals.differ, totals.differ == 1 ? "differs" : "differ");
  add(totals.missing, "missing");
  add(totals.extra, "extra");
  add(totals.incomplete, "incomplete in both");
  if (nothing_found) return {Tone::kGood, text + "; nothing differs"};
  return {Tone::kHeading, text};
}

void append_difference(const Difference& difference, std::vector<Line>& lines) {
  std::string title = "  " + difference.where;
  if (difference.kind != Kind::kChanged) title += fmt::format("  ({})", kind_text(difference.kind));
  lines.push_back({Tone::kPlain, title});
  if (difference.base) lines.push_back({Tone::kRemoved, "    - " + difference.base->text});
  if (difference.candidate) lines.push_back({Tone::kAdded, "    + " + difference.candidate->text});
}

}  // namespace

void Report::add(const ExchangeDifferences& found) {
  ++found_;
  const std::string key = signature(found.differences);
  auto place = groups_.find(key);
  if (place == groups_.end()) {
    if (groups_.size() == kMaxGroups) {
      ++beyond_;
      return;
    }
    place = groups_.emplace(key, Group{}).first;
    Group& group = place->second;
    group.order = groups_.size();
    group.weight = weight_of(found.differences.front());
    for (const Difference& difference : found.differences) {
      group.weight = std::min(group.weight, weight_of(difference));
    }
    const std::size_t kept = std::min(found.differences.size(), kMaxKept);
    group.left_out = found.differences.size() - kept;
    group.example = {found.base, found.candidate, found.name, {}};
    Differences& differences = group.example.differences;
    differences.assign(found.differences.begin(),
                       found.differences.begin() + static_cast<std::ptrdiff_t>(kept));
    std::stable_sort(
        differences.begin(), differences.end(),
        [](const Difference& x, const Difference& y) { return weight_of(x) < weight_of(y); });
  }
  Group& group = place->second;
  ++group.exchanges;
  if (group.first.size() < kNamed) {
    group.first.push_back(found.base ? found.base.value : found.candidate.value);
  }
}

std::vector<const Report::Group*> Report::ranked() const {
  std::vector<const Group*> order;
  for (const auto& [key, group] : groups_) order.push_back(&group);
  std::sort(order.begin(), order.end(), [](const Group* a, const Group* b) {
    return std::pair(a->weight, a->order) < std::pair(b->weight, b->order);
  });
  return order;
}

event::ExchangeId Report::first() const {
  for (const Group* group : ranked()) {
    if (group->example.base) return group->example.base;
  }
  return {};
}

void Report::append_heading(const Group& group, std::vector<Line>& lines) {
  const ExchangeDifferences& example = group.example;
  std::string title = example.name;
  if (const std::uint64_t number = group.first.front(); number != 0) {
    title = fmt::format("exchange {}  {}", number, example.name);
  }
  if (example.base && example.candidate && example.base.value != example.candidate.value) {
    title += fmt::format("  ({} in the candidate)", example.candidate.value);
  }
  if (group.exchanges == 1) {
    lines.push_back({Tone::kHeading, title});
    return;
  }
  std::string numbers;
  for (const std::uint64_t number : group.first) {
    numbers += (numbers.empty() ? "" : ", ") + std::to_string(number);
  }
  if (group.exchanges > group.first.size()) numbers += ", …";
  lines.push_back({Tone::kHeading, fmt::format("in {} exchanges: {}", group.exchanges, numbers)});
  lines.push_back({Tone::kPlain, "such as " + title});
}

void Report::append_group(const Group& group, const ReportLimits& limits,
                          std::vector<Line>& lines) {
  lines.push_back({Tone::kPlain, ""});
  append_heading(group, lines);
  const Differences& differences = group.example.differences;
  const std::size_t listed = std::min(differences.size(), limits.differences);
  for (std::size_t i = 0; i < listed; ++i) append_difference(differences[i], lines);
  if (const std::uint64_t more = differences.size() - listed + group.left_out; more != 0) {
    lines.push_back({Tone::kRemark,
                     fmt::format("  … and {} in this exchange", plural(more, "more difference"))});
  }
}

std::vector<Line> Report::lines(const Totals& totals, Alignment::Kind alignment, bool exit_compared,
                                const ReportLimits& limits) const {
  std::vector<Line> lines = {summary_line(totals, empty())};
  if (alignment == Alignment::Kind::kMethodAndTarget) {
    lines.push_back({Tone::kRemark,
                     "neither is a replay of the other: the n-th request of a method and target "
                     "was compared with the n-th"});
  }
  if (const std::uint64_t count = totals.not_replayed; count != 0) {
    lines.push_back(
        {Tone::kRemark, fmt::format("{} not replayed (replay --only), nor compared",
                                    plural(count, "exchange") + (count == 1 ? " was" : " were"))});
  }
  if (!exit_compared) {
    lines.push_back(
        {Tone::kRemark, "the exit was not compared: a recording ended before the service did"});
  }
  const std::vector<const Group*> order = ranked();
  const std::size_t shown = std::min(order.size(), limits.groups);
  for (std::size_t i = 0; i < shown; ++i) append_group(*order[i], limits, lines);
  std::uint64_t hidden = beyond_;
  for (std::size_t i = shown; i < order.size(); ++i) hidden += order[i]->exchanges;
  if (hidden != 0) {
    lines.push_back({Tone::kPlain, ""});
    lines.push_back({Tone::kRemark,
                     fmt::format("… and {} that {} in other ways; --full shows them",
                                 plural(hidden, "exchange"), hidden == 1 ? "differs" : "differ")});
  }
  return lines;
}

}  // namespace reprise::diff
