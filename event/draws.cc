#include "event/draws.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>
#include <variant>

namespace reprise::event {
namespace {

// Differences beyond which a shortest edit is no longer looked for: it takes the square of this.
constexpr std::size_t kMaxEdits = 1000;

using Pair = std::pair<std::size_t, std::size_t>;  // index in recorded, index in actual

// A draw as it is compared.
struct Key {
  const Draw* draw = nullptr;
  std::int64_t value_ns = 0;  // of monotonic clocks: since the first read of the same clock

  bool same_source(const Key& other) const { return draw->same_source(*other.draw); }
  bool equal(const Key& other) const {
    return same_source(other) && value_ns == other.value_ns && draw->bytes == other.draw->bytes;
  }
};

std::vector<Key> keys_of(std::span<const Draw> draws) {
  std::vector<Key> keys;
  keys.reserve(draws.size());
  std::map<std::uint8_t, std::int64_t> origins;
  for (const Draw& draw : draws) {
    std::int64_t value = draw.value_ns;
    if (draw.kind == Draw::Kind::kClock && is_monotonic(draw.source)) {
      // A replay may have had to raise the base. Wrapping is fine: values are compared, not used.
      const std::int64_t origin = origins.emplace(draw.source, value).first->second;
      value = static_cast<std::int64_t>(static_cast<std::uint64_t>(value) -
                                        static_cast<std::uint64_t>(origin));
    }
    keys.push_back({&draw, value});
  }
  return keys;
}

// Pairs of a longest common subsequence, ascending, by Myers' greedy algorithm ("An O(ND)
// Difference Algorithm", 1986). None when more than kMaxEdits edits are needed.
template <typename Equal>
std::optional<std::vector<Pair>> common_subsequence(std::span<const Key> a, std::span<const Key> b,
                                                    Equal equal) {
  const auto n = static_cast<std::ptrdiff_t>(a.size());
  const auto m = static_cast<std::ptrdiff_t>(b.size());
  const auto most = std::min<std::ptrdiff_t>(n + m, kMaxEdits);
  std::vector<std::vector<std::ptrdiff_t>> rounds;  // furthest x on each diagonal, before round d
  std::vector<std::ptrdiff_t> furthest(static_cast<std::size_t>(2 * most + 3), 0);
  const auto at = [&](std::vector<std::ptrdiff_t>& v, std::ptrdiff_t k) -> std::ptrdiff_t& {
    return v[static_cast<std::size_t>(k + most + 1)];
  };
  const auto goes_down = [&](std::vector<std::ptrdiff_t>& v, std::ptrdiff_t k, std::ptrdiff_t d) {
    return k == -d || (k != d && at(v, k - 1) < at(v, k + 1));
  };
  std::ptrdiff_t edits = -1;
  for (std::ptrdiff_t d = 0; d <= most && edits < 0; ++d) {
    rounds.push_back(furthest);
    for (std::ptrdiff_t k = -d; k <= d; k += 2) {
      std::ptrdiff_t x = goes_down(furthest, k, d) ? at(furthest, k + 1) : at(furthest, k - 1) + 1;
      while (x < n && x - k < m && equal(a[x], b[x - k])) ++x;
      at(furthest, k) = x;
      if (k == n - m && x >= n) {
        edits = d;
        break;
      }
    }
  }
  if (edits < 0) return std::nullopt;
  std::vector<Pair> pairs;
  std::ptrdiff_t x = n, y = m;
  for (std::ptrdiff_t d = edits; d >= 0; --d) {
    std::vector<std::ptrdiff_t>& before = rounds[static_cast<std::size_t>(d)];
    const std::ptrdiff_t k = x - y;
    const bool down = goes_down(before, k, d);
    const std::ptrdiff_t start = d == 0 ? 0 : down ? at(before, k + 1) : at(before, k - 1) + 1;
    for (; x > start; --x, --y) pairs.emplace_back(x - 1, y - 1);
    if (d == 0) break;
    (down ? y : x) -= 1;
  }
  std::reverse(pairs.begin(), pairs.end());
  return pairs;
}

// Pairs what lies between two pairs of equal values by source alone, in order. False when it
// cannot.
bool pair_by_source(std::span<const Key> recorded, std::span<const Key> actual, Pair from, Pair to,
                    std::vector<Pair>& pairs) {
  const auto left = recorded.subspan(from.first, to.first - from.first);
  const auto right = actual.subspan(from.second, to.second - from.second);
  const auto found =
      common_subsequence(left, right, [](const Key& a, const Key& b) { return a.same_source(b); });
  if (!found) return false;
  for (const auto& [i, j] : *found) pairs.emplace_back(from.first + i, from.second + j);
  return true;
}

// Of equal draws next to one another any may be the one too many; it is the relaxed one.
void prefer_exact(std::span<const Key> actual, std::vector<bool>& paired) {
  for (std::size_t i = 0; i < actual.size(); ++i) {
    if (paired[i] || actual[i].draw->relaxed) continue;
    const auto swap_with = [&](std::size_t other) {
      if (!paired[other] || !actual[other].draw->relaxed || !actual[i].equal(actual[other])) {
        return false;
      }
      paired[other] = false;
      paired[i] = true;
      return true;
    };
    if (i > 0 && swap_with(i - 1)) continue;
    if (i + 1 < actual.size()) (void)swap_with(i + 1);
  }
}

// Surpluses by source, for sequences that have too little in common.
std::vector<DrawDifference> count_differences(std::span<const Draw> recorded,
                                              std::span<const Draw> actual) {
  using Source = std::tuple<Draw::Kind, std::uint8_t, std::string>;
  const auto source = [](const Draw& draw) { return Source{draw.kind, draw.source, draw.module}; };
  std::map<Source, std::size_t> in_actual, in_recorded;
  for (const Draw& draw : actual) ++in_actual[source(draw)];
  std::vector<DrawDifference> differences;
  for (std::size_t i = 0; i < recorded.size(); ++i) {
    if (++in_recorded[source(recorded[i])] > in_actual[source(recorded[i])]) {
      differences.push_back({DrawDifference::Kind::kMissing, i});
    }
  }
  std::map<Source, std::size_t> seen;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    if (++seen[source(actual[i])] > in_recorded[source(actual[i])]) {
      differences.push_back({DrawDifference::Kind::kExtra, i});
    }
  }
  return differences;
}

}  // namespace

std::string Draw::name() const {
  std::string text = (kind == Kind::kClock ? "clock " : "random ") + source_name(kind, source);
  if (!module.empty()) text += " in " + module;
  return text;
}

std::optional<Draw> draw_of(const Event& event, const Modules& modules) {
  Draw draw;
  std::uint64_t caller = 0;
  if (const auto* clock = std::get_if<ClockRead>(&event.fact)) {
    draw.source = clock->source;
    draw.value_ns = clock->value_ns;
    draw.relaxed = clock->relaxed;
    caller = clock->caller;
  } else if (const auto* random = std::get_if<RandomDrawn>(&event.fact)) {
    if (random->error != 0) return std::nullopt;
    draw.kind = Draw::Kind::kRandom;
    draw.source = random->source;
    draw.bytes = random->bytes;
    draw.relaxed = random->relaxed;
    caller = random->caller;
  } else {
    return std::nullopt;
  }
  draw.module = modules.name_of(event.process, caller);
  return draw;
}

std::string source_name(Draw::Kind kind, std::uint8_t source) {
  // Numbers of abi::ClockSource and abi::RandomSource.
  static const std::map<std::uint8_t, const char*> kClocks = {
      {0, "realtime"},      {1, "monotonic"},       {2, "process_cpu"},      {3, "thread_cpu"},
      {4, "monotonic_raw"}, {5, "realtime_coarse"}, {6, "monotonic_coarse"}, {7, "boottime"},
      {32, "gettimeofday"}, {33, "time"},           {34, "timespec_get"},    {35, "ftime"}};
  static const std::map<std::uint8_t, const char*> kRandoms = {
      {1, "getrandom"},          {2, "getentropy"},        {3, "arc4random"},
      {4, "random_device_file"}, {5, "std_random_device"}, {6, "openssl"}};
  const auto& names = kind == Draw::Kind::kClock ? kClocks : kRandoms;
  const auto found = names.find(source);
  if (found != names.end()) return found->second;
  return (kind == Draw::Kind::kClock ? "clock_" : "random_") + std::to_string(source);
}

bool is_monotonic(std::uint8_t clock_source) {
  // abi::ClockSource: monotonic, its raw and coarse forms, boottime.
  return clock_source == 1 || clock_source == 4 || clock_source == 6 || clock_source == 7;
}

bool is_processor_time(std::uint8_t clock_source) {
  return clock_source == 2 || clock_source == 3;  // abi::ClockSource: of the process, of the thread
}

std::vector<DrawDifference> align_draws(std::span<const Draw> recorded,
                                        std::span<const Draw> actual) {
  const std::vector<Key> left = keys_of(recorded), right = keys_of(actual);
  const auto equal = [](const Key& a, const Key& b) { return a.equal(b); };
  // Without values in common (another base of a clock) there is one gap, of everything.
  const auto exact =
      common_subsequence<decltype(equal)>(left, right, equal).value_or(std::vector<Pair>());
  std::vector<Pair> pairs = exact;
  Pair from{0, 0};
  for (std::size_t i = 0; i <= exact.size(); ++i) {
    const Pair to = i < exact.size() ? exact[i] : Pair{recorded.size(), actual.size()};
    if (!pair_by_source(left, right, from, to, pairs)) return count_differences(recorded, actual);
    from = {to.first + 1, to.second + 1};
  }
  std::vector<bool> drawn(recorded.size()), paired(actual.size());
  for (const auto& [i, j] : pairs) drawn[i] = paired[j] = true;
  prefer_exact(right, paired);
  std::vector<DrawDifference> differences;
  for (std::size_t i = 0; i < recorded.size(); ++i) {
    if (!drawn[i]) differences.push_back({DrawDifference::Kind::kMissing, i});
  }
  for (std::size_t i = 0; i < actual.size(); ++i) {
    if (!paired[i]) differences.push_back({DrawDifference::Kind::kExtra, i});
  }
  return differences;
}

}  // namespace reprise::event
