#include "diff/sequence_alignment.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

namespace reprise::diff {
namespace {

using Sequence = std::vector<std::uint64_t>;

Sequence counting(std::size_t size) {
  Sequence sequence(size);
  std::iota(sequence.begin(), sequence.end(), 1000);
  return sequence;
}

// Every alignment must be of equal elements and grow on both sides.
void expect_valid(const Sequence& a, const Sequence& b, const std::vector<Match>& matches) {
  for (std::size_t i = 0; i < matches.size(); ++i) {
    ASSERT_LT(matches[i].base, a.size());
    ASSERT_LT(matches[i].candidate, b.size());
    EXPECT_EQ(a[matches[i].base], b[matches[i].candidate]);
    if (i == 0) continue;
    EXPECT_LT(matches[i - 1].base, matches[i].base);
    EXPECT_LT(matches[i - 1].candidate, matches[i].candidate);
  }
}

std::size_t longest_common(const Sequence& a, const Sequence& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (const std::uint64_t element : a) {
    std::size_t diagonal = 0;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t above = row[j + 1];
      row[j + 1] = element == b[j] ? diagonal + 1 : std::max(above, row[j]);
      diagonal = above;
    }
  }
  return row.back();
}

TEST(Align, FindsALongestCommonSubsequence) {
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    Sequence a(random() % 12), b(random() % 12);
    for (auto* sequence : {&a, &b}) {
      for (std::uint64_t& element : *sequence) element = random() % 4;
    }
    const auto matches = align(a, b);
    expect_valid(a, b, matches);
    EXPECT_EQ(matches.size(), longest_common(a, b));
  }
}

TEST(Align, OneInsertionIsOneGap) {
  const Sequence a = counting(10'000);
  Sequence b = a;
  b.insert(b.begin() + 5000, 1);
  b.insert(b.begin() + 7000, 2);
  const auto gaps = gaps_between(align(a, b), a.size(), b.size());
  ASSERT_EQ(gaps.size(), 2u);
  EXPECT_EQ(gaps[0].base_size(), 0u);
  EXPECT_EQ(gaps[0].candidate_begin, 5000u);
  EXPECT_EQ(gaps[0].candidate_size(), 1u);
}

// With more changes than are searched for, what is unique still holds the two together.
TEST(Align, ManyChangesAreDividedAtUniqueElements) {
  const Sequence a = counting(20'000);
  Sequence b;
  for (std::size_t i = 0; i < a.size(); ++i) b.push_back(i % 10 == 0 ? 5'000'000 + i : a[i]);
  const auto matches = align(a, b);
  expect_valid(a, b, matches);
  EXPECT_EQ(matches.size(), 18'000u);
}

TEST(Align, NothingInCommonIsOneGap) {
  const Sequence a = counting(20'000);
  Sequence b = a;
  for (std::uint64_t& element : b) element += 1'000'000;
  EXPECT_TRUE(align(a, b).empty());
  EXPECT_EQ(gaps_between({}, a.size(), b.size()).size(), 1u);
  EXPECT_TRUE(align({}, {}).empty());
  EXPECT_TRUE(gaps_between({}, 0, 0).empty());
}

TEST(LongestGrowing, LeavesOutTheFewest) {
  const std::vector<std::size_t> values = {3, 0, 1, 4, 2};
  EXPECT_EQ(longest_growing(values).size(), 3u);
  EXPECT_TRUE(longest_growing({}).empty());
}

}  // namespace
}  // namespace reprise::diff
