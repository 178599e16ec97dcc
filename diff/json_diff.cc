#include "diff/json_diff.h"

#include <algorithm>
#include <map>
#include <span>
#include <string_view>
#include <utility>

#include "diff/sequence_alignment.h"

namespace reprise::diff {
namespace {

using protocol::Value;

Content content(const Value& value) { return {protocol::to_json(value), true}; }

std::string member_path(const std::string& path, const std::string& name, std::size_t repetition) {
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  };
  std::string member = path;
  if (!name.empty() && std::all_of(name.begin(), name.end(), is_word)) {
    member += "." + name;
  } else {
    member += "[" + protocol::quote_json(name) + "]";
  }
  // JSON does not forbid a name that occurs twice.
  if (repetition != 0) member += "#" + std::to_string(repetition + 1);
  return member;
}

std::string element_path(const std::string& path, std::size_t index) {
  return path + "[" + std::to_string(index) + "]";
}

void compare_objects(const Value& base, const Value& candidate, const std::string& path,
                     Differences& differences) {
  using Name = std::pair<std::string_view, std::size_t>;  // and how often it occurred before
  const auto by_name = [](const Value& object) {
    std::map<Name, const Value*> members;
    std::map<std::string_view, std::size_t> seen;
    for (const Value& member : object.children) {
      members[{member.name, seen[member.name]++}] = &member;
    }
    return members;
  };
  auto others = by_name(candidate);
  std::map<std::string_view, std::size_t> seen;
  for (const Value& member : base.children) {
    const std::size_t repetition = seen[member.name]++;
    const std::string where = member_path(path, member.name, repetition);
    const auto other = others.find({member.name, repetition});
    if (other == others.end()) {
      differences.push_back({where, Kind::kMissing, content(member), std::nullopt});
      continue;
    }
    compare_json(member, *other->second, where, differences);
    others.erase(other);
  }
  for (const auto& [name, member] : others) {
    differences.push_back({member_path(path, std::string(name.first), name.second), Kind::kExtra,
                           std::nullopt, content(*member)});
  }
}

// How much two elements that are not equal look like versions of the same one: 0 not at all.
std::size_t likeness(const Value& a, const Value& b) {
  if (a.kind != b.kind) return 0;
  if (a.kind != Value::Kind::kObject) return 1;
  std::size_t same = 1;
  for (const Value& member : a.children) {
    const Value* other = b.member(member.name);
    if (other != nullptr && !member.is_container() && protocol::same_value(member, *other)) {
      same += 4;
    }
  }
  return same;
}

// Which elements of a gap are versions of each other: the pairs in order that are alike the most.
// A gap too large for that is paired from its beginning.
std::vector<Match> pair_alike(std::span<const Value> base, std::span<const Value> candidate) {
  constexpr std::size_t kMaxCells = 4096;
  std::vector<Match> pairs;
  const std::size_t n = base.size(), m = candidate.size();
  if (n == m || n * m > kMaxCells) {
    for (std::size_t i = 0; i < std::min(n, m); ++i) pairs.push_back({i, i});
    return pairs;
  }
  // best[i][j]: of base from i on and candidate from j on.
  std::vector<std::vector<std::size_t>> best(n + 1, std::vector<std::size_t>(m + 1)), alike = best;
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t j = m; j-- > 0;) {
      alike[i][j] = likeness(base[i], candidate[j]);
      best[i][j] = std::max({best[i + 1][j + 1] + alike[i][j], best[i + 1][j], best[i][j + 1]});
    }
  }
  for (std::size_t i = 0, j = 0; i < n && j < m;) {
    if (alike[i][j] != 0 && best[i][j] == best[i + 1][j + 1] + alike[i][j]) {
      pairs.push_back({i++, j++});
    } else if (best[i][j] == best[i + 1][j]) {
      ++i;
    } else {
      ++j;
    }
  }
  return pairs;
}

void compare_gap(const Value& base, const Value& candidate, const Gap& gap, const std::string& path,
                 Differences& differences) {
  std::size_t i = gap.base_begin, j = gap.candidate_begin;
  const auto leave_out = [&](std::size_t base_end, std::size_t candidate_end) {
    for (; i < base_end; ++i) {
      differences.push_back(
          {element_path(path, i), Kind::kMissing, content(base.children[i]), std::nullopt});
    }
    for (; j < candidate_end; ++j) {
      differences.push_back(
          {element_path(path, j), Kind::kExtra, std::nullopt, content(candidate.children[j])});
    }
  };
  const auto part = [](const Value& array, std::size_t begin, std::size_t size) {
    return std::span(array.children).subspan(begin, size);
  };
  for (const Match& pair : pair_alike(part(base, gap.base_begin, gap.base_size()),
                                      part(candidate, gap.candidate_begin, gap.candidate_size()))) {
    leave_out(gap.base_begin + pair.base, gap.candidate_begin + pair.candidate);
    compare_json(base.children[i], candidate.children[j], element_path(path, i), differences);
    ++i, ++j;
  }
  leave_out(gap.base_end, gap.candidate_end);
}

void compare_arrays(const Value& base, const Value& candidate, const std::string& path,
                    Differences& differences) {
  const auto hashes = [](const Value& array) {
    std::vector<std::uint64_t> all;
    all.reserve(array.children.size());
    for (const Value& element : array.children) all.push_back(protocol::hash_value(element));
    return all;
  };
  const auto matches = align(hashes(base), hashes(candidate));
  for (const Gap& gap : gaps_between(matches, base.children.size(), candidate.children.size())) {
    compare_gap(base, candidate, gap, path, differences);
  }
}

}  // namespace

void compare_json(const Value& base, const Value& candidate, const std::string& path,
                  Differences& differences) {
  if (base.kind != candidate.kind) {
    differences.push_back({path, Kind::kType, content(base), content(candidate)});
  } else if (base.kind == Value::Kind::kObject) {
    compare_objects(base, candidate, path, differences);
  } else if (base.kind == Value::Kind::kArray) {
    compare_arrays(base, candidate, path, differences);
  } else if (!protocol::same_value(base, candidate)) {
    differences.push_back({path, Kind::kChanged, content(base), content(candidate)});
  }
}

}  // namespace reprise::diff
