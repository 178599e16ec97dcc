// A hash table from 64-bit keys to 32-bit places: open addressing, linear probing, no tombstones.
//
// For the look-ups that every record needs (socket cookie, connection, exchange): two cache lines
// and no allocation once it has grown. Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace reprise::recorder {

class FlatIndex {
 public:
  static constexpr std::uint32_t kNowhere = ~std::uint32_t{0};

  FlatIndex() : cells_(64) {}

  std::uint32_t find(std::uint64_t key) const {
    for (std::size_t at = home(key);; at = next(at)) {
      if (cells_[at].place == kNowhere) return kNowhere;
      if (cells_[at].key == key) return cells_[at].place;
    }
  }

  // Sets or replaces. `place` is not kNowhere.
  void insert(std::uint64_t key, std::uint32_t place) {
    if (2 * (size_ + 1) > cells_.size()) grow();
    std::size_t at = home(key);
    while (cells_[at].place != kNowhere && cells_[at].key != key) at = next(at);
    if (cells_[at].place == kNowhere) ++size_;
    cells_[at] = {key, place};
  }

  void erase(std::uint64_t key) {
    std::size_t hole = home(key);
    while (cells_[hole].place != kNowhere && cells_[hole].key != key) hole = next(hole);
    if (cells_[hole].place == kNowhere) return;
    --size_;
    // Moves back what probed past the hole, so that no search stops early.
    for (std::size_t at = next(hole); cells_[at].place != kNowhere; at = next(at)) {
      const std::size_t mask = cells_.size() - 1;
      const std::size_t distance = (at - home(cells_[at].key)) & mask;
      if (distance < ((at - hole) & mask)) continue;
      cells_[hole] = cells_[at];
      hole = at;
    }
    cells_[hole].place = kNowhere;
  }

  std::size_t size() const { return size_; }

 private:
  struct Cell {
    std::uint64_t key = 0;
    std::uint32_t place = kNowhere;
  };

  std::size_t home(std::uint64_t key) const {
    return static_cast<std::size_t>((key * 0x9e3779b97f4a7c15u) >> 32) & (cells_.size() - 1);
  }
  std::size_t next(std::size_t at) const { return (at + 1) & (cells_.size() - 1); }

  void grow() {
    std::vector<Cell> old(cells_.size() * 2);
    std::swap(old, cells_);
    size_ = 0;
    for (const Cell& cell : old) {
      if (cell.place != kNowhere) insert(cell.key, cell.place);
    }
  }

  std::vector<Cell> cells_;  // a power of two, at most half full
  std::size_t size_ = 0;
};

}  // namespace reprise::recorder
