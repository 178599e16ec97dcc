#include "replayer/ending.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>

#include "replayer/testing/told_recording.h"

namespace reprise::replayer {
namespace {

// A root that takes some time to end, and children that it leaves running.
class Family final : public Service {
 public:
  int looks_until_root_ends = 3;
  int children = 2;
  std::vector<int> to_root, to_children;

  void* arena() override { return nullptr; }
  void drain() override {}
  event::Context context_of(std::uint32_t) override { return {}; }
  const event::Exchange* exchange(event::ExchangeId) override { return nullptr; }
  const event::Connection* connection(event::ConnectionId) override { return nullptr; }
  bool alive() override {
    if (!to_root.empty() && looks_until_root_ends > 0) --looks_until_root_ends;
    return looks_until_root_ends > 0 || children > 0;
  }
  std::optional<event::ProcessExited> exited() override {
    using How = event::ProcessExited::How;
    if (looks_until_root_ends > 0) return std::nullopt;
    return event::ProcessExited{How::kSignal, SIGTERM};
  }
  void signal(int number) override {
    if (looks_until_root_ends > 0) {
      to_root.push_back(number);
    } else {
      to_children.push_back(number);
      children = 0;
    }
  }
};

class EndingTest : public testing::Test {
 protected:
  EndingTest() {
    recording_.answer(recording_.begin(recording_.accept(), get("/")), ok("1"));
    plan_ = recording_.plan();
    plan_->end.signal = SIGTERM;
    const std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/ending-" +
                             testing::UnitTest::GetInstance()->current_test_info()->name();
    control_.emplace(*Control::create(path, 1, *plan_));
    clock_.emplace(*control_, *plan_, false);
    matcher_.emplace(*plan_);
    stage_.reset(
        new Stage{*plan_, *control_, *clock_, *matcher_, ledger_, family_, delivery_, identities_});
  }

  // Ends the service as the recorded one ended.
  void end() {
    Threads threads(nullptr);
    Ending ending(*stage_, threads, [] {});
    while (!ending.step()) {
    }
    ending.finish();
  }

  ToldRecording recording_;
  std::unique_ptr<Plan> plan_;
  std::optional<Control> control_;
  std::optional<Clock> clock_;
  std::optional<Matcher> matcher_;
  Ledger ledger_;
  Family family_;
  Delivery delivery_;
  tls::Identities identities_;
  std::unique_ptr<Stage> stage_;
};

// The root had not ended yet when its children were looked for: they were waited for, and killed.
TEST_F(EndingTest, ChildrenThatTheRootLeavesRunningAreToldWhenItHasEnded) {
  end();
  EXPECT_EQ(family_.to_root, std::vector<int>{SIGTERM});
  EXPECT_EQ(family_.to_children, std::vector<int>{SIGTERM});
  EXPECT_EQ(ledger_.notes().size(), 0u);
}

TEST_F(EndingTest, ChildrenThatEndWithTheRootAreLeftAlone) {
  family_.children = 0;
  end();
  EXPECT_EQ(family_.to_children, std::vector<int>{});
}

}  // namespace
}  // namespace reprise::replayer
