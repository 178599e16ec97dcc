#include "protocol/annotated/syntax.h"

#include <algorithm>
#include <charconv>

namespace reprise::protocol::annotated {
namespace {

// Takes the word up to the next blank off the front of `line`; empty at its end.
std::string_view take_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

std::optional<std::uint64_t> parse_length(std::string_view word) {
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), length);
  const bool whole = error == std::errc() && end == word.data() + word.size() && !word.empty();
  return whole ? std::optional(length) : std::nullopt;
}

}  // namespace

std::optional<RequestHead> parse_request_head(std::string_view line) {
  RequestHead head;
  head.verb = take_word(line);
  head.name = take_word(line);
  const auto length = parse_length(take_word(line));
  const bool known = head.verb == "CALL" || head.verb == "ENTRY";
  if (!known || head.name.empty() || !length || line != kVersion) return std::nullopt;
  head.length = *length;
  return head;
}

std::optional<ResponseHead> parse_response_head(std::string_view line) {
  ResponseHead head;
  head.status = take_word(line);
  const auto length = parse_length(take_word(line));
  static constexpr std::string_view kStatuses[] = {"DONE", "THREW", "PERFORM", "MISSED"};
  const bool known = std::ranges::find(kStatuses, head.status) != std::end(kStatuses);
  if (!known || !length || line != kVersion) return std::nullopt;
  head.length = *length;
  return head;
}

}  // namespace reprise::protocol::annotated
