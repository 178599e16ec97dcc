#include "examples/checkout/charge.h"

#include <gtest/gtest.h>

namespace checkout {
namespace {

TEST(ChargeTest, KeepsTheDocumentAsItCame) {
  const std::string document = R"( {"fee": "0.83 EUR", "id": "ch_17", "order": "ord_1"})";
  const Result<Charge> charge = ParseCharge(document);
  ASSERT_TRUE(charge);
  EXPECT_EQ(charge->id, "ch_17");
  EXPECT_EQ(charge->fee, Cents{83});
  EXPECT_EQ(charge->document, document);
}

TEST(ChargeTest, RefusesAnswersThatDescribeNoCharge) {
  for (const char* document :
       {"", "{", "[]", "{}", R"({"id": "ch_1"})", R"({"id": 1, "fee": "1 EUR"})",
        R"({"id": "ch_1", "fee": 1})", R"({"id": "ch_1", "fee": "free"})"}) {
    const Result<Charge> charge = ParseCharge(document);
    ASSERT_FALSE(charge) << document;
    EXPECT_EQ(charge.error().kind, FailureKind::kDependencyUnavailable);
  }
}

}  // namespace
}  // namespace checkout
