// Random bytes that depend on where they are drawn and on nothing else.
//
// Used for draws that the recording has no value for. Two draws with different addresses share no
// stream, and the same address gives the same bytes in each run. The generator is SplitMix64
// (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014): reproducible, not
// secret.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace reprise::agent {

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : state_(seed) {}

  // Mixes one part of the address into the stream's seed.
  Generator& with(std::uint64_t part) {
    state_ = next() ^ part;
    return *this;
  }

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  void fill(std::byte* bytes, std::size_t length) {
    while (length > 0) {
      const std::uint64_t word = next();
      const std::size_t part = length < sizeof word ? length : sizeof word;
      std::memcpy(bytes, &word, part);
      bytes += part;
      length -= part;
    }
  }

 private:
  std::uint64_t state_;
};

}  // namespace reprise::agent
