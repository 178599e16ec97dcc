#include "replayer/draw_comparison.h"

#include <gtest/gtest.h>

#include "replayer/testing/told_recording.h"

namespace reprise::replayer {
namespace {

using event::Context;

constexpr DrawSource kRealtime{abi::DrawKind::kClock, 0}, kGetrandom{abi::DrawKind::kRandom, 1};

class Comparison : public testing::Test {
 protected:
  // So many clock reads in each of both runs, in the exchange and of nobody.
  struct Reads {
    int in_exchange = 0, of_nobody = 0;
  };
  static void tell(DrawTally& tally, const Reads& reads) {
    ToldRecording run;
    run.context = Context::of({1});
    for (int i = 0; i < reads.in_exchange; ++i) run.tell(event::ClockRead{});
    run.context = Context::unattributed();
    for (int i = 0; i < reads.of_nobody; ++i) run.tell(event::ClockRead{});
    for (const event::Event& event : run.events) tally.on_event(event);
  }
  std::vector<DrawDifference> compare(const Reads& recorded, const Reads& replayed) {
    tell(recorded_, recorded);
    tell(replayed_, replayed);
    return comparison_.compare({1}, replayed_.of({1}));
  }

  DrawTally recorded_, replayed_;
  DrawComparison comparison_{recorded_, replayed_};
};

TEST_F(Comparison, EqualCountsDoNotDiffer) {
  EXPECT_TRUE(compare({2, 0}, {2, 0}).empty());
  EXPECT_EQ(comparison_.excused(), 0u);
}

TEST_F(Comparison, MoreOrFewerAreADifference) {
  const auto differences = compare({2, 0}, {3, 0});
  ASSERT_EQ(differences.size(), 1u);
  EXPECT_EQ(differences[0].source, kRealtime);
  EXPECT_EQ(differences[0].recorded, 2u);
  EXPECT_EQ(differences[0].replayed, 3u);
  EXPECT_EQ(comparison_.compare({1}, {}).size(), 1u);
}

TEST_F(Comparison, DrawsThatAreNobodysInTheRecordingMayBeTheOthers) {
  EXPECT_TRUE(compare({2, 2}, {4, 0}).empty());
  EXPECT_EQ(comparison_.excused(), 2u);
}

TEST_F(Comparison, DrawsThatAreNobodysInTheReplayMayBeTheOthers) {
  EXPECT_TRUE(compare({3, 0}, {2, 1}).empty());
  EXPECT_EQ(comparison_.excused(), 1u);
}

TEST_F(Comparison, TheWrongRunsDrawsExcuseNothing) {
  EXPECT_EQ(compare({2, 0}, {3, 5}).size(), 1u);
  EXPECT_EQ(comparison_.excused(), 0u);
}

TEST_F(Comparison, EachExcusesOnceAndOnlyItsOwnSource) {
  EXPECT_TRUE(compare({2, 1}, {3, 0}).empty());
  EXPECT_EQ(comparison_.compare({1}, {{kRealtime, 3}}).size(), 1u);
  EXPECT_EQ(comparison_.compare({1}, {{kRealtime, 2}, {kGetrandom, 1}}).size(), 1u);
  EXPECT_EQ(comparison_.excused(), 1u);
}

}  // namespace
}  // namespace reprise::replayer
