#include "recorder/flat_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace reprise::recorder {
namespace {

TEST(FlatIndexTest, AgreesWithAMapUnderRandomInsertionsAndErasures) {
  std::mt19937_64 random(7);
  FlatIndex index;
  std::map<std::uint64_t, std::uint32_t> oracle;
  for (int step = 0; step < 200'000; ++step) {
    const std::uint64_t key = random() % 500;  // few keys: long probe runs and many erasures
    if (random() % 3 != 0) {
      const auto place = static_cast<std::uint32_t>(random() % 1000);
      index.insert(key, place);
      oracle[key] = place;
    } else {
      index.erase(key);
      oracle.erase(key);
    }
    const std::uint64_t probe = random() % 500;
    const auto expected = oracle.find(probe);
    ASSERT_EQ(index.find(probe), expected == oracle.end() ? FlatIndex::kNowhere : expected->second);
    ASSERT_EQ(index.size(), oracle.size());
  }
}

TEST(FlatIndexTest, ErasingOneOfACollidingRunKeepsTheOthersReachable) {
  FlatIndex index;
  for (std::uint64_t key = 0; key < 10'000; ++key)
    index.insert(key, static_cast<std::uint32_t>(key));
  for (std::uint64_t key = 0; key < 10'000; key += 2) index.erase(key);
  for (std::uint64_t key = 0; key < 10'000; ++key) {
    ASSERT_EQ(index.find(key),
              key % 2 == 0 ? FlatIndex::kNowhere : static_cast<std::uint32_t>(key));
  }
}

}  // namespace
}  // namespace reprise::recorder
