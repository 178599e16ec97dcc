#include "examples/checkout/cart.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace checkout {
namespace {

using Json = nlohmann::json;

constexpr int64_t kMostPieces = 1000;
constexpr int64_t kHighestPrice = 100'000'000;
constexpr size_t kMostItems = 100;
constexpr size_t kLongestText = 64;

// Reads members of JSON objects and keeps the first thing that was wrong; what is read after that
// has no meaning.
class MemberReader {
 public:
  std::string Text(const Json& object, const char* name) {
    const Json* const member = Find(object, name);
    if (member == nullptr) return {};
    const auto* const text = member->get_ptr<const std::string*>();
    if (text == nullptr || text->empty() || text->size() > kLongestText) {
      Reject(fmt::format("'{}' must be a string of 1 to {} bytes", name, kLongestText));
      return {};
    }
    return *text;
  }

  int64_t Number(const Json& object, const char* name, int64_t lowest, int64_t highest) {
    const Json* const member = Find(object, name);
    if (member == nullptr) return 0;
    // A number beyond int64_t wraps to a negative one, and is out of bounds as that.
    const int64_t number = member->is_number_integer() ? member->get<int64_t>() : lowest - 1;
    if (number < lowest || number > highest) {
      Reject(fmt::format("'{}' must be a whole number from {} to {}", name, lowest, highest));
    }
    return number;
  }

  std::string Currency(const Json& object) {
    std::string currency = Text(object, "currency");
    const auto is_capital = [](char c) { return c >= 'A' && c <= 'Z'; };
    if (currency.size() != 3 || !std::ranges::all_of(currency, is_capital)) {
      Reject("'currency' must be three capital letters");
    }
    return currency;
  }

  std::vector<CartItem> Items(const Json& object) {
    const Json* const items = Find(object, "items");
    if (items == nullptr) return {};
    if (!items->is_array() || items->empty() || items->size() > kMostItems) {
      Reject(fmt::format("'items' must be an array of 1 to {}", kMostItems));
      return {};
    }
    std::vector<CartItem> result;
    for (const Json& item : *items) {
      result.push_back({.sku = Text(item, "sku"),
                        .quantity = Number(item, "quantity", 1, kMostPieces),
                        .price = {Number(item, "price_cents", 0, kHighestPrice)}});
    }
    return result;
  }

  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  const Json* Find(const Json& object, const char* name) {
    if (object.is_object()) {
      if (const auto member = object.find(name); member != object.end()) return &*member;
    }
    Reject(fmt::format("'{}' is missing", name));
    return nullptr;
  }

  void Reject(std::string reason) {
    if (error_.empty()) error_ = std::move(reason);
  }

  std::string error_;
};

}  // namespace

Result<Cart> ParseCart(std::string_view json) {
  const Json document = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) {
    return tl::unexpected(Failure{FailureKind::kInvalidCart, "the body is not JSON"});
  }
  MemberReader reader;
  Cart cart{.id = reader.Text(document, "cart"),
            .customer = reader.Text(document, "customer"),
            .currency = reader.Currency(document),
            .coupon = std::nullopt,
            .items = reader.Items(document)};
  if (document.contains("coupon")) cart.coupon = reader.Text(document, "coupon");
  if (!reader.error().empty()) {
    return tl::unexpected(Failure{FailureKind::kInvalidCart, reader.error()});
  }
  return cart;
}

}  // namespace checkout
