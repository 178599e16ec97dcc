#include "archive/sample_corruption.h"

#include <algorithm>
#include <cstdlib>

namespace reprise::archive {

std::string Corruption::apply(std::vector<std::uint8_t>& bytes) {
  return "seed " + std::to_string(seed_) + ": " + damage(bytes);
}

std::string Corruption::damage(std::vector<std::uint8_t>& bytes) {
  switch (random_() % 7) {
    case 0: {
      const std::size_t at = pick(bytes.size());
      bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ (1u << (random_() % 8)));
      return "bit flipped in " + std::to_string(at);
    }
    case 1: {
      const std::size_t at = pick(bytes.size());
      bytes.resize(at);
      return "cut off at " + std::to_string(at);
    }
    case 2: {
      const auto [from, count] = range(bytes.size());
      for (std::ptrdiff_t i = 0; i < count; ++i) {
        bytes[static_cast<std::size_t>(from + i)] = static_cast<std::uint8_t>(random_());
      }
      return "noise from " + std::to_string(from) + ", " + std::to_string(count);
    }
    case 3: {
      const auto [from, count] = range(bytes.size());
      std::fill_n(bytes.begin() + from, count, std::uint8_t{0});
      return "zeros from " + std::to_string(from) + ", " + std::to_string(count);
    }
    case 4: {
      const auto [from, count] = range(bytes.size());
      bytes.erase(bytes.begin() + from, bytes.begin() + from + count);
      return "removed from " + std::to_string(from) + ", " + std::to_string(count);
    }
    case 5: {
      std::vector<std::uint8_t> noise(1 + pick(300));
      for (auto& byte : noise) byte = static_cast<std::uint8_t>(random_());
      bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(pick(bytes.size() + 1)),
                   noise.begin(), noise.end());
      return "inserted " + std::to_string(noise.size());
    }
    default: {
      const auto [from, count] = range(bytes.size());
      const std::vector<std::uint8_t> part(bytes.begin() + from, bytes.begin() + from + count);
      bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(pick(bytes.size() + 1)),
                   part.begin(), part.end());
      return "doubled " + std::to_string(count) + " from " + std::to_string(from);
    }
  }
}

std::pair<std::ptrdiff_t, std::ptrdiff_t> Corruption::range(std::size_t size) {
  const std::size_t from = pick(size);
  const std::size_t count = 1 + pick(std::min<std::size_t>(size - from, 2000));
  return {static_cast<std::ptrdiff_t>(from), static_cast<std::ptrdiff_t>(count)};
}

std::uint32_t corruptions_wanted() {
  const char* given = std::getenv("REPRISE_CORRUPTIONS");
  return given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : 1000;
}

}  // namespace reprise::archive
