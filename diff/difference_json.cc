#include "diff/difference_json.h"

#include <nlohmann/json.hpp>

namespace reprise::diff {
namespace {

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string side(const std::optional<Content>& content) {
  if (!content) return "null";
  return content->json ? content->text : quoted(content->text);
}

}  // namespace

std::vector<std::string> difference_lines_json(const ExchangeDifferences& found) {
  const std::uint64_t number = found.base ? found.base.value : found.candidate.value;
  const std::string exchange = number == 0 ? "null" : std::to_string(number);
  std::vector<std::string> lines;
  lines.reserve(found.differences.size());
  for (const Difference& one : found.differences) {
    lines.push_back("{\"exchange\": " + exchange + ", \"where\": " + quoted(one.where) +
                    ", \"kind\": " + quoted(kind_text(one.kind)) + ", \"base\": " + side(one.base) +
                    ", \"candidate\": " + side(one.candidate) + "}");
  }
  return lines;
}

}  // namespace reprise::diff
