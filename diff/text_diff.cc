#include "diff/text_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "diff/sequence_alignment.h"

namespace reprise::diff {
namespace {

using Bytes = std::span<const std::uint8_t>;

// Length of the well-formed UTF-8 sequence at the beginning, 0 when there is none (RFC 3629).
std::size_t sequence_length(Bytes bytes) {
  const std::uint8_t first = bytes[0];
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || bytes.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((bytes[i] & 0xc0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, beyond U+10FFFF.
  if ((first == 0xe0 && bytes[1] < 0xa0) || (first == 0xed && bytes[1] > 0x9f) ||
      (first == 0xf0 && bytes[1] < 0x90) || (first == 0xf4 && bytes[1] > 0x8f)) {
    return 0;
  }
  return length;
}

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

std::vector<std::uint64_t> hashes(const std::vector<std::string_view>& lines) {
  std::vector<std::uint64_t> all;
  all.reserve(lines.size());
  for (const std::string_view line : lines) all.push_back(std::hash<std::string_view>{}(line));
  return all;
}

// Without its end, unless only the ends differ.
std::string shown(std::string_view line, std::string_view other) {
  const auto strip = [](std::string_view text) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    return text;
  };
  return std::string(strip(line) == strip(other) ? line : strip(line));
}

}  // namespace

bool is_text(Bytes bytes) {
  while (!bytes.empty()) {
    const std::size_t length = sequence_length(bytes);
    if (length == 0) return false;
    const std::uint8_t first = bytes[0];
    if ((first < 0x20 && first != '\t' && first != '\n' && first != '\r') || first == 0x7f) {
      return false;
    }
    bytes = bytes.subspan(length);
  }
  return true;
}

void compare_lines(std::string_view base, std::string_view candidate, const std::string& where,
                   Differences& differences) {
  const auto base_lines = split_lines(base), candidate_lines = split_lines(candidate);
  const auto at = [&](std::size_t index) { return fmt::format("{}.line[{}]", where, index + 1); };
  const auto matches = align(hashes(base_lines), hashes(candidate_lines));
  for (const Gap& gap : gaps_between(matches, base_lines.size(), candidate_lines.size())) {
    const std::size_t pairs = std::min(gap.base_size(), gap.candidate_size());
    for (std::size_t i = 0; i < pairs; ++i) {
      const std::string_view one = base_lines[gap.base_begin + i];
      const std::string_view other = candidate_lines[gap.candidate_begin + i];
      differences.push_back(changed(at(gap.base_begin + i), shown(one, other), shown(other, one)));
    }
    for (std::size_t i = gap.base_begin + pairs; i < gap.base_end; ++i) {
      differences.push_back(missing(at(i), shown(base_lines[i], "")));
    }
    for (std::size_t i = gap.candidate_begin + pairs; i < gap.candidate_end; ++i) {
      differences.push_back(extra(at(i), shown(candidate_lines[i], "")));
    }
  }
}

void compare_bytes(Bytes base, Bytes candidate, const std::string& where,
                   Differences& differences) {
  constexpr std::size_t kMaxRuns = 100;  // the last of them takes in all that follows
  constexpr std::size_t kNear = 4;       // equal bytes that do not end a run
  const std::size_t shorter = std::min(base.size(), candidate.size());
  std::size_t head = 0, tail = 0;
  while (head < shorter && base[head] == candidate[head]) ++head;
  while (tail < shorter - head &&
         base[base.size() - 1 - tail] == candidate[candidate.size() - 1 - tail]) {
    ++tail;
  }
  const std::size_t base_end = base.size() - tail, candidate_end = candidate.size() - tail;
  const auto report = [&](std::size_t begin, std::size_t base_stop, std::size_t candidate_stop) {
    const std::string at = fmt::format("{}.byte[{}]", where, begin);
    const std::string one = hex_text(base.subspan(begin, base_stop - begin));
    const std::string other = hex_text(candidate.subspan(begin, candidate_stop - begin));
    if (one.empty()) {
      differences.push_back(extra(at, other));
    } else if (other.empty()) {
      differences.push_back(missing(at, one));
    } else {
      differences.push_back(changed(at, one, other));
    }
  };
  std::size_t begin = head, runs = 1;
  while (base.size() == candidate.size() && begin < base_end && runs < kMaxRuns) {
    std::size_t end = begin, equal = 0;
    for (std::size_t i = begin; i < base_end && equal <= kNear; ++i) {
      equal = base[i] == candidate[i] ? equal + 1 : 0;
      if (equal == 0) end = i + 1;
    }
    report(begin, end, end);
    begin = end;
    while (begin < base_end && base[begin] == candidate[begin]) ++begin;
    ++runs;
  }
  if (begin < base_end || begin < candidate_end) report(begin, base_end, candidate_end);
}

std::string hex_text(Bytes bytes) {
  constexpr std::size_t kShown = 32;
  std::string text;
  for (const std::uint8_t byte : bytes.first(std::min(bytes.size(), kShown))) {
    text += fmt::format("{}{:02x}", text.empty() ? "" : " ", byte);
  }
  if (bytes.size() > kShown) text += fmt::format(" … ({} bytes)", bytes.size());
  return text;
}

}  // namespace reprise::diff
