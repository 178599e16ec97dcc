// System calls that escape the hooks are found and named, and nothing else is.
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>

#include "agent/world/substitute/testing/test_replay.h"
#include "replayer/leak_watch.h"

namespace reprise::agent::testing {
namespace {

using Totals = std::map<std::string, std::uint64_t>;

class Leaks : public ::testing::Test {
 protected:
  void run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), runfile("agent/world/substitute/testing/leak_probe"));
    replay_.header().leak_watch = abi::LeakWatch::kWanted;
    replay_.answer(abi::Ask::kLeakWatch, [this](const std::string& request) -> Body {
      abi::AskLeakWatch ask = {};
      memcpy(&ask, request.data(), sizeof ask);
      if (!watch_.take_over(ask)) return std::nullopt;
      return "";
    });
    replay_.launch(arguments);
    EXPECT_EQ(replay_.wait_for_exit(), 0);
  }

  TestReplay replay_;
  replayer::LeakWatch watch_;
};

TEST_F(Leaks, CallsThroughHooksAreNone) {
  run({"hooked"});
  EXPECT_EQ(replay_.header().leak_watch, abi::LeakWatch::kOn);
  EXPECT_EQ(watch_.totals(), Totals());
  EXPECT_GT(replay_.header().calls_hooked, 5u);
  EXPECT_EQ(replay_.output(), "connect ECONNREFUSED\nhooked 1\n");
}

TEST_F(Leaks, CallsByTheProgramsOwnInstructionsAreNamedAndGoOn) {
  run({"raw"});
  EXPECT_EQ(watch_.totals(), (Totals{{"clock_gettime in leak_probe", 1},
                                     {"getrandom in leak_probe", 1},
                                     {"socket in leak_probe", 1}}));
  EXPECT_EQ(replay_.output(), "clock 0\nreal 1\nrandom 16\nsocket 1\n");
}

TEST_F(Leaks, ClockReadsThroughTheVdsoAreNamed) {
  run({"vdso"});
  ASSERT_EQ(watch_.totals().size(), 1u);
  EXPECT_EQ(watch_.totals().begin()->first.substr(0, 13), "clock_gettime");
  EXPECT_EQ(watch_.totals().begin()->second, 1u);
  EXPECT_EQ(replay_.output(), "vdso 0\nreal 1\n");
}

TEST_F(Leaks, TheWatchGoesOnAfterExec) {
  run({"exec", "raw"});
  EXPECT_EQ(watch_.totals().size(), 3u);
}

TEST_F(Leaks, AnExecutedProgramsHooksAreStillHooks) {
  run({"exec", "hooked"});
  EXPECT_EQ(watch_.totals(), Totals());
}

TEST_F(Leaks, ChildrenAreWatched) {
  run({"spawn", "raw"});
  EXPECT_EQ(watch_.totals().size(), 3u);
}

TEST_F(Leaks, AChildsHooksAreStillHooks) {
  run({"spawn", "hooked"});
  EXPECT_EQ(watch_.totals(), Totals());
}

TEST_F(Leaks, WithoutSomebodyToWatchTheServiceRunsUnwatched) {
  replay_.header().leak_watch = abi::LeakWatch::kWanted;
  replay_.launch({runfile("agent/world/substitute/testing/leak_probe"), "raw"});
  EXPECT_EQ(replay_.wait_for_exit(), 0);
  EXPECT_EQ(replay_.header().leak_watch, abi::LeakWatch::kUnavailable);
  EXPECT_EQ(replay_.output(), "clock 0\nreal 1\nrandom 16\nsocket 1\n");
}

}  // namespace
}  // namespace reprise::agent::testing
