#include "diff/sequence_alignment.h"

#include <algorithm>
#include <unordered_map>

namespace reprise::diff {
namespace {

using Hashes = std::span<const std::uint64_t>;

// Changes up to which the shortest script is searched for: bounds its memory to a few megabytes.
constexpr std::ptrdiff_t kMaxChanges = 1000;

// The furthest points of one round of Myers' search, by diagonal.
class Frontier {
 public:
  explicit Frontier(std::ptrdiff_t changes)
      : changes_(changes), furthest_(static_cast<std::size_t>(2 * changes + 1)) {}
  std::ptrdiff_t& operator[](std::ptrdiff_t diagonal) {
    return furthest_[static_cast<std::size_t>(diagonal + changes_)];
  }

 private:
  std::ptrdiff_t changes_;
  std::vector<std::ptrdiff_t> furthest_;
};

// Whether the best way to `diagonal` in round `changes` comes from the diagonal above: an
// insertion.
bool inserts(Frontier& last, std::ptrdiff_t diagonal, std::ptrdiff_t changes) {
  return diagonal == -changes || (diagonal != changes && last[diagonal - 1] < last[diagonal + 1]);
}

// Walks back from the end through the rounds and collects the diagonals that were run along.
std::vector<Match> trace_back(std::vector<Frontier>& rounds, std::ptrdiff_t x, std::ptrdiff_t y) {
  std::vector<Match> matches;
  for (auto round = static_cast<std::ptrdiff_t>(rounds.size()) - 1; round > 0; --round) {
    Frontier& last = rounds[static_cast<std::size_t>(round - 1)];
    const std::ptrdiff_t diagonal = x - y;
    const bool insert = inserts(last, diagonal, round);
    const std::ptrdiff_t from_x = insert ? last[diagonal + 1] : last[diagonal - 1];
    const std::ptrdiff_t from_y = from_x - (insert ? diagonal + 1 : diagonal - 1);
    while (x > from_x && y > from_y) {
      --x, --y;
      matches.push_back({static_cast<std::size_t>(x), static_cast<std::size_t>(y)});
    }
    x = from_x;
    y = from_y;
  }
  while (x > 0 && y > 0) {
    --x, --y;
    matches.push_back({static_cast<std::size_t>(x), static_cast<std::size_t>(y)});
  }
  std::reverse(matches.begin(), matches.end());
  return matches;
}

// False when there are more changes than the bound.
bool search(Hashes base, Hashes candidate, std::vector<Match>& matches) {
  const auto n = std::ssize(base), m = std::ssize(candidate);
  std::vector<Frontier> rounds;
  for (std::ptrdiff_t changes = 0; changes <= std::min(n + m, kMaxChanges); ++changes) {
    // One diagonal more on both sides than a round reaches: the next one looks there.
    Frontier& now = rounds.emplace_back(changes + 1);
    for (std::ptrdiff_t diagonal = -changes; diagonal <= changes; diagonal += 2) {
      std::ptrdiff_t x = 0;
      if (changes != 0) {
        Frontier& last = rounds[static_cast<std::size_t>(changes - 1)];
        x = inserts(last, diagonal, changes) ? last[diagonal + 1] : last[diagonal - 1] + 1;
      }
      std::ptrdiff_t y = x - diagonal;
      while (x < n && y < m &&
             base[static_cast<std::size_t>(x)] == candidate[static_cast<std::size_t>(y)]) {
        ++x, ++y;
      }
      now[diagonal] = x;
      if (x >= n && y >= m) {
        matches = trace_back(rounds, n, m);
        return true;
      }
    }
  }
  return false;
}

// Elements that both have once, those of them in the same order.
std::vector<Match> find_anchors(Hashes base, Hashes candidate) {
  struct Places {
    std::size_t in_base = 0, in_candidate = 0, base = 0, candidate = 0;
  };
  std::unordered_map<std::uint64_t, Places> places;
  for (std::size_t i = 0; i < base.size(); ++i) {
    Places& place = places[base[i]];
    ++place.in_base;
    place.base = i;
  }
  for (std::size_t i = 0; i < candidate.size(); ++i) {
    Places& place = places[candidate[i]];
    ++place.in_candidate;
    place.candidate = i;
  }
  std::vector<Match> unique;
  for (std::size_t i = 0; i < base.size(); ++i) {
    const Places& place = places[base[i]];
    if (place.in_base == 1 && place.in_candidate == 1) unique.push_back({i, place.candidate});
  }
  std::vector<std::size_t> order;
  order.reserve(unique.size());
  for (const Match& match : unique) order.push_back(match.candidate);
  std::vector<Match> anchors;
  for (const std::size_t index : longest_growing(order)) anchors.push_back(unique[index]);
  return anchors;
}

void align_middle(Hashes base, Hashes candidate, std::vector<Match>& matches) {
  if (base.empty() || candidate.empty() || search(base, candidate, matches)) return;
  const std::vector<Match> anchors = find_anchors(base, candidate);
  if (anchors.empty()) return;
  for (const Gap& gap : gaps_between(anchors, base.size(), candidate.size())) {
    for (const Match& match : align(base.subspan(gap.base_begin, gap.base_size()),
                                    candidate.subspan(gap.candidate_begin, gap.candidate_size()))) {
      matches.push_back({gap.base_begin + match.base, gap.candidate_begin + match.candidate});
    }
  }
  matches.insert(matches.end(), anchors.begin(), anchors.end());
  std::sort(matches.begin(), matches.end(),
            [](const Match& a, const Match& b) { return a.base < b.base; });
}

}  // namespace

std::vector<Match> align(Hashes base, Hashes candidate) {
  const std::size_t shorter = std::min(base.size(), candidate.size());
  std::size_t head = 0, tail = 0;
  while (head < shorter && base[head] == candidate[head]) ++head;
  while (tail < shorter - head &&
         base[base.size() - 1 - tail] == candidate[candidate.size() - 1 - tail]) {
    ++tail;
  }
  std::vector<Match> matches;
  for (std::size_t i = 0; i < head; ++i) matches.push_back({i, i});
  std::vector<Match> middle;
  align_middle(base.subspan(head, base.size() - head - tail),
               candidate.subspan(head, candidate.size() - head - tail), middle);
  for (const Match& match : middle) {
    matches.push_back({head + match.base, head + match.candidate});
  }
  for (std::size_t i = tail; i > 0; --i) {
    matches.push_back({base.size() - i, candidate.size() - i});
  }
  return matches;
}

std::vector<std::size_t> longest_growing(std::span<const std::size_t> values) {
  constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::vector<std::size_t> ends;  // of the best subsequence of each length: the least last value
  std::vector<std::size_t> before(values.size(), kNone);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto place =
        std::lower_bound(ends.begin(), ends.end(), values[i],
                         [&](std::size_t end, std::size_t value) { return values[end] < value; });
    if (place != ends.begin()) before[i] = *std::prev(place);
    if (place == ends.end()) {
      ends.push_back(i);
    } else {
      *place = i;
    }
  }
  std::vector<std::size_t> indices;
  for (std::size_t i = ends.empty() ? kNone : ends.back(); i != kNone; i = before[i]) {
    indices.push_back(i);
  }
  std::reverse(indices.begin(), indices.end());
  return indices;
}

std::vector<Gap> gaps_between(const std::vector<Match>& matches, std::size_t base_size,
                              std::size_t candidate_size) {
  std::vector<Gap> gaps;
  std::size_t base = 0, candidate = 0;
  const auto close = [&](std::size_t base_end, std::size_t candidate_end) {
    if (base < base_end || candidate < candidate_end) {
      gaps.push_back({base, base_end, candidate, candidate_end});
    }
  };
  for (const Match& match : matches) {
    close(match.base, match.candidate);
    base = match.base + 1;
    candidate = match.candidate + 1;
  }
  close(base_size, candidate_size);
  return gaps;
}

}  // namespace reprise::diff
