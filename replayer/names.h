// Strings that occur again and again, kept once and compared as numbers.
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

namespace reprise::replayer {

struct NameId {
  std::uint32_t value = 0;  // 0 is ""
  friend auto operator<=>(const NameId&, const NameId&) = default;
};

// Thread-compatible.
class Names {
 public:
  Names() { intern(""); }
  Names(const Names&) = delete;
  Names& operator=(const Names&) = delete;

  NameId intern(std::string_view name) {
    const auto found = ids_.find(name);
    if (found != ids_.end()) return found->second;
    const NameId id{static_cast<std::uint32_t>(names_.size())};
    names_.emplace_back(name);
    ids_.emplace(names_.back(), id);  // the view stays valid: a deque moves nothing
    return id;
  }
  const std::string& operator[](NameId id) const { return names_[id.value]; }

 private:
  std::deque<std::string> names_;
  std::unordered_map<std::string_view, NameId> ids_;
};

}  // namespace reprise::replayer
