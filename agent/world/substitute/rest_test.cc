// Whether a replayed program rests, as the replayer sees it.
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "agent/world/substitute/testing/test_replay.h"
#include "replayer/quiescence.h"

namespace reprise::agent::testing {
namespace {

using replayer::Rest;

class Resting : public ::testing::Test {
 protected:
  void start(const std::string& name) {
    replay_.launch({runfile("agent/world/substitute/testing/waits_probe"), name});
  }
  char kernel_state(int tid) {
    std::ifstream file("/proc/" + std::to_string(replay_.pid()) + "/task/" + std::to_string(tid) +
                       "/stat");
    std::string stat;
    std::getline(file, stat);
    return replayer::task_state(stat);
  }
  Rest look() { return quiescence_.look(replayer::Moment{TestReplay::kMonotonicNs}); }

  TestReplay replay_;
  replayer::Threads threads_{&replay_.arena().header()};
  replayer::Quiescence quiescence_{threads_};
};

TEST_F(Resting, ThreadsThatWaitForEachOtherAndForTimeRest) {
  start("join");
  ASSERT_NE(replay_.wait_for(abi::Activity::kJoin), nullptr);
  ASSERT_NE(replay_.wait_for(abi::Activity::kSleep), nullptr);
  EXPECT_TRUE(replay_.wait_until([&] { return look() == Rest::kQuiescent; }));
  replay_.move_clock_by(3'600'000'000'000);
  EXPECT_EQ(replay_.wait_for_exit(), 0);
}

// The thread has said its last, and who joins it will run as soon as the kernel has seen its end.
TEST_F(Resting, WhoJoinsAThreadOnItsWayOutDoesNotRest) {
  start("slow_end");
  ASSERT_TRUE(
      replay_.wait_until([&] { return !replay_.arena().of(abi::RecordType::kThreadEnd).empty(); }));
  for (const auto activity : {abi::Activity::kJoin, abi::Activity::kSleep}) {
    const abi::ThreadSlot* thread = replay_.wait_for(activity);
    ASSERT_NE(thread, nullptr);
    ASSERT_TRUE(replay_.wait_until([&] { return kernel_state(thread->tid) == 'S'; }));
  }
  for (int i = 0; i < 100; ++i) ASSERT_NE(look(), Rest::kQuiescent);
  replay_.move_clock_by(3'600'000'000'000);
  EXPECT_EQ(replay_.wait_for_exit(), 0);
  EXPECT_EQ(replay_.output(), "joined 2\n");
}

}  // namespace
}  // namespace reprise::agent::testing
