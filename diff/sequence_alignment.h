// Alignment of two sequences whose elements are known by hashes: lines, array elements.
//
// Pure functions. E. W. Myers, "An O(ND) difference algorithm and its variations" (1986), between
// equal beginnings and ends. Sequences with more changes than the bound are divided at the elements
// that both have exactly once, so that no input takes quadratic time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace reprise::diff {

struct Match {
  std::size_t base = 0, candidate = 0;
  friend bool operator==(const Match&, const Match&) = default;
};

// Pairs of equal elements, growing on both sides.
std::vector<Match> align(std::span<const std::uint64_t> base,
                         std::span<const std::uint64_t> candidate);

// Indices of a longest subsequence of `values` that grows strictly.
std::vector<std::size_t> longest_growing(std::span<const std::size_t> values);

// A run that has no match: base[base_begin, base_end) became candidate[…].
struct Gap {
  std::size_t base_begin = 0, base_end = 0, candidate_begin = 0, candidate_end = 0;
  std::size_t base_size() const { return base_end - base_begin; }
  std::size_t candidate_size() const { return candidate_end - candidate_begin; }
};
std::vector<Gap> gaps_between(const std::vector<Match>& matches, std::size_t base_size,
                              std::size_t candidate_size);

}  // namespace reprise::diff
