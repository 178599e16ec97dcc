// Counts calls with equal (peer, protocol, operation) within one context. Thread-compatible.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "event/exchange.h"
#include "recorder/flat_index.h"

namespace reprise::recorder {

class CallOrdinals {
 public:
  // How many with that key came before; from 0.
  std::uint64_t next(std::uint64_t key) {
    for (auto& [known, count] : few_) {
      if (known == key) return count++;
    }
    if (few_.size() < kFew) {
      few_.emplace_back(key, 1);
      return 0;
    }
    if (many_ == nullptr) many_ = std::make_unique<FlatIndex>();
    const std::uint32_t found = many_->find(key);
    const std::uint32_t count = found == FlatIndex::kNowhere ? 0 : found;
    many_->insert(key, count + 1);
    return count;
  }

  // Keeps its memory for the next context.
  void clear() {
    few_.clear();
    many_.reset();
  }

  static std::uint64_t key(std::string_view peer, event::Protocol protocol,
                           std::string_view operation) {
    const std::uint64_t hash = std::hash<std::string_view>{}(peer);
    return (hash ^ (static_cast<std::uint64_t>(protocol) + 1)) * 0x9e3779b97f4a7c15u ^
           std::hash<std::string_view>{}(operation);
  }

 private:
  static constexpr std::size_t kFew = 16;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> few_;
  std::unique_ptr<FlatIndex> many_;
};

}  // namespace reprise::recorder
