// Random damage to the bytes of an archive, for tests: the same on every run of a seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace reprise::archive {

class Corruption {
 public:
  explicit Corruption(std::uint32_t seed) : seed_(seed), random_(seed) {}

  // Damages `bytes`, which must not be empty, and now and then leaves them as they are. Returns
  // what was done, for messages.
  std::string apply(std::vector<std::uint8_t>& bytes);

 private:
  std::string damage(std::vector<std::uint8_t>& bytes);
  std::size_t pick(std::size_t count) { return random_() % count; }
  // A stretch of at most 2000 bytes: where, and how many.
  std::pair<std::ptrdiff_t, std::ptrdiff_t> range(std::size_t size);

  std::uint32_t seed_;
  std::mt19937 random_;
};

// How many a test is to try: REPRISE_CORRUPTIONS, 1000 when it is not set.
std::uint32_t corruptions_wanted();

}  // namespace reprise::archive
