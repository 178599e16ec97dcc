#include "diff/call_diff.h"

#include <gtest/gtest.h>

namespace reprise::diff {
namespace {

// Calls one after another; `hash` stands for the bytes of the request.
CallSummary call(const std::string& operation, std::uint64_t hash, std::uint64_t begin,
                 std::uint64_t end, const std::string& peer = "stock:80") {
  CallSummary summary;
  summary.call.protocol = event::Protocol::kHttp1;
  summary.call.operation = operation;
  summary.call.peer = peer;
  summary.call.first_byte_out = {begin};
  summary.call.last_byte_in = {end};
  summary.request_hash = hash;
  return summary;
}

TEST(PairCalls, AddedCallIsOneExtra) {
  const auto found =
      pair_calls({call("GET /a", 1, 1, 2), call("GET /a", 2, 3, 4)},
                 {call("GET /a", 9, 1, 2), call("GET /a", 1, 3, 4), call("GET /a", 2, 5, 6)});
  ASSERT_EQ(found.pairs.size(), 2u);
  EXPECT_EQ(found.pairs[0].candidate, 1u);
  EXPECT_EQ(found.pairs[1].candidate, 2u);
  EXPECT_EQ(found.extra, std::vector<std::size_t>{0});
  EXPECT_TRUE(found.missing.empty());
}

TEST(PairCalls, ChangedRequestIsPairedByItsOperation) {
  const auto found = pair_calls({call("POST /charge", 1, 1, 2)}, {call("POST /charge", 2, 1, 2)});
  ASSERT_EQ(found.pairs.size(), 1u);
  EXPECT_FALSE(found.pairs[0].reordered);
}

TEST(PairCalls, MovedPeerIsPaired) {
  const auto found = pair_calls({call("POST /charge", 1, 1, 2, "pay:1")},
                                {call("POST /charge", 1, 1, 2, "pay:2")});
  EXPECT_EQ(found.pairs.size(), 1u);
}

TEST(PairCalls, OtherOperationIsMissingAndExtra) {
  const auto found = pair_calls({call("GET /a", 1, 1, 2)}, {call("GET /b", 1, 1, 2)});
  EXPECT_EQ(found.missing.size(), 1u);
  EXPECT_EQ(found.extra.size(), 1u);
}

TEST(PairCalls, SwappedCallsAreOneReordering) {
  const auto found = pair_calls({call("GET /a", 1, 1, 2), call("GET /b", 2, 3, 4)},
                                {call("GET /b", 2, 1, 2), call("GET /a", 1, 3, 4)});
  ASSERT_EQ(found.pairs.size(), 2u);
  EXPECT_EQ(found.pairs[0].reordered + found.pairs[1].reordered, 1);
}

// Two calls under way at once have no order to keep.
TEST(PairCalls, OverlappingCallsAreNotReordered) {
  const auto found = pair_calls({call("GET /a", 1, 1, 5), call("GET /b", 2, 2, 4)},
                                {call("GET /b", 2, 1, 2), call("GET /a", 1, 3, 4)});
  EXPECT_EQ(found.pairs[0].reordered + found.pairs[1].reordered, 0);
}

TEST(PairCalls, PreludesAreLeftOut) {
  CallSummary prelude = call("AUTH", 1, 1, 2);
  prelude.call.prelude = true;
  const auto found = pair_calls({prelude, call("GET", 2, 3, 4)}, {call("GET", 2, 1, 2)});
  ASSERT_EQ(found.pairs.size(), 1u);
  EXPECT_EQ(found.pairs[0].base, 1u);
  EXPECT_TRUE(found.missing.empty());
  EXPECT_TRUE(found.extra.empty());
}

}  // namespace
}  // namespace reprise::diff
