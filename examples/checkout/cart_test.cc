#include "examples/checkout/cart.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace checkout {
namespace {

using Json = nlohmann::json;

Json Sound() {
  return {{"cart", "c-1"},
          {"customer", "u-7"},
          {"currency", "EUR"},
          {"coupon", "SPRING10"},
          {"items", {{{"sku", "tea-250"}, {"quantity", 2}, {"price_cents", 790}}}}};
}

// The message of the failure; empty when the cart was taken.
std::string Complaint(const Json& json) {
  const Result<Cart> cart = ParseCart(json.dump());
  if (cart) return "";
  EXPECT_EQ(cart.error().kind, FailureKind::kInvalidCart);
  return cart.error().message;
}

TEST(CartTest, ReadsEveryMember) {
  const Result<Cart> cart = ParseCart(Sound().dump());
  ASSERT_TRUE(cart);
  EXPECT_EQ(cart->id, "c-1");
  EXPECT_EQ(cart->customer, "u-7");
  EXPECT_EQ(cart->currency, "EUR");
  EXPECT_EQ(cart->coupon, "SPRING10");
  ASSERT_EQ(cart->items.size(), 1U);
  EXPECT_EQ(cart->items[0].sku, "tea-250");
  EXPECT_EQ(cart->items[0].quantity, 2);
  EXPECT_EQ(cart->items[0].price, Cents{790});
}

TEST(CartTest, NeedsNoCoupon) {
  Json json = Sound();
  json.erase("coupon");
  const Result<Cart> cart = ParseCart(json.dump());
  ASSERT_TRUE(cart);
  EXPECT_EQ(cart->coupon, std::nullopt);
}

TEST(CartTest, NamesTheMemberThatIsMissing) {
  for (const char* name : {"cart", "customer", "currency", "items"}) {
    Json json = Sound();
    json.erase(name);
    EXPECT_NE(Complaint(json).find(name), std::string::npos) << Complaint(json);
  }
}

TEST(CartTest, RefusesTextsThatAreEmptyTooLongOrNoText) {
  for (const Json& text : {Json(""), Json(std::string(65, 'x')), Json(7), Json(nullptr)}) {
    Json json = Sound();
    json["customer"] = text;
    EXPECT_NE(Complaint(json), "") << text;
  }
}

TEST(CartTest, RefusesQuantitiesThatAreNoCount) {
  for (const Json& quantity :
       {Json(0), Json(-1), Json(1001), Json(1.5), Json("2"), Json(UINT64_MAX)}) {
    Json json = Sound();
    json["items"][0]["quantity"] = quantity;
    EXPECT_NE(Complaint(json), "") << quantity;
  }
}

TEST(CartTest, RefusesCurrenciesThatAreNoCode) {
  for (const char* currency : {"EURO", "eur", "EU"}) {
    Json json = Sound();
    json["currency"] = currency;
    EXPECT_NE(Complaint(json), "") << currency;
  }
}

TEST(CartTest, RefusesAnEmptyCartAndAHugeOne) {
  Json json = Sound();
  const Json item = json["items"][0];
  json["items"] = Json::array();
  EXPECT_NE(Complaint(json), "");
  json["items"] = Json(101, item);
  EXPECT_NE(Complaint(json), "");
}

TEST(CartTest, RefusesWhatIsNoJsonObject) {
  for (const char* text : {"", "{", "[]", "7", "null", "\"cart\"", "{\"items\":[7]}", "\xff"}) {
    EXPECT_FALSE(ParseCart(text)) << text;
  }
}

}  // namespace
}  // namespace checkout
