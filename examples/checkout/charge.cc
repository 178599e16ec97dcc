#include "examples/checkout/charge.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "examples/checkout/amount.h"

namespace checkout {
namespace {

tl::unexpected<Failure> Unreadable(std::string_view why) {
  return tl::unexpected(
      Failure{FailureKind::kDependencyUnavailable, fmt::format("payments: {}", why)});
}

}  // namespace

Result<Charge> ParseCharge(std::string document) {
  const auto json = nlohmann::json::parse(document, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("id") || !json.contains("fee")) {
    return Unreadable("the answer describes no charge");
  }
  const auto* const id = json.at("id").get_ptr<const std::string*>();
  const auto* const fee = json.at("fee").get_ptr<const std::string*>();
  if (id == nullptr || fee == nullptr) return Unreadable("'id' and 'fee' must be strings");
  const tl::expected<Cents, std::string> amount = ParseAmount(*fee);
  if (!amount) return Unreadable(amount.error());
  return Charge{*id, *amount, std::move(document)};
}

}  // namespace checkout
