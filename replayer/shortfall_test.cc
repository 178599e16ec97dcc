// An archive may lack anything: it says so in words, or does without and says that.
#include "replayer/shortfall.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "replayer/testing/told_recording.h"

namespace reprise::replayer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ShortfallTest : public testing::Test {
 protected:
  // One exchange, of a service that is recorded as it is today.
  void tell_all() {
    recording_.tell(event::ProcessStarted{.environment = {"LANG=C"}, .path = "0"});
    recording_.tell(event::ThreadStarted{.ordinal = 1, .creator = 1});
    recording_.tell(event::ModuleLoaded{.path = "/lib/libc.so.6", .begin = 1, .end = 2});
    recording_.tell(event::Listened{.listener = kTestListener});
    exchange_ = recording_.begin(recording_.accept(), get("/"));
    recording_.tell(event::ClockRead{.value_ns = 1, .caller = 77});
    recording_.answer(exchange_, ok("1"));
  }
  template <typename Fact>
  void forget() {
    std::erase_if(recording_.events, [](const event::Event& event) {
      return std::holds_alternative<Fact>(event.fact);
    });
  }
  Shortfall shortfall(bool as_recorded = true, std::optional<event::ExchangeId> wanted = {}) {
    plan_ = recording_.plan();
    return Shortfall::of(*plan_, wanted, as_recorded);
  }

  ToldRecording recording_;
  std::unique_ptr<Plan> plan_;
  event::ExchangeId exchange_;
};

TEST_F(ShortfallTest, RecordingOfTodayLacksNothing) {
  tell_all();
  const Shortfall found = shortfall();
  EXPECT_EQ(found.refusal, "");
  EXPECT_THAT(found.remarks, IsEmpty());
}

TEST_F(ShortfallTest, WithoutAcceptsNobodyCanBeDriven) {
  tell_all();
  forget<event::Accepted>();
  EXPECT_THAT(shortfall().refusal, HasSubstr("has 1 exchange and does not have how their"));
  EXPECT_THAT(shortfall(false, exchange_).refusal, HasSubstr("exchange 1 was accepted"));
}

TEST_F(ShortfallTest, RecordingInWhichNobodySpokeIsNoOldOne) {
  recording_.tell(event::ProcessStarted{.environment = {"LANG=C"}, .path = "0"});
  EXPECT_THAT(shortfall().refusal, HasSubstr("nobody spoke"));
}

TEST_F(ShortfallTest, ConnectionsThatAreLeftOutAreCounted) {
  tell_all();
  const auto second = recording_.begin(recording_.accept(), get("/2"));
  recording_.answer(second, ok("2"));
  bool first = true;
  std::erase_if(recording_.events, [&](const event::Event& event) {
    return std::holds_alternative<event::Accepted>(event.fact) && !std::exchange(first, false);
  });
  const Shortfall found = shortfall();
  EXPECT_EQ(found.refusal, "");
  EXPECT_THAT(found.remarks, ElementsAre(HasSubstr("1 exchange on 1 connection cannot")));
  EXPECT_THAT(shortfall(false, second).refusal, HasSubstr("exchange 2 was accepted"));
}

TEST_F(ShortfallTest, WithoutListenersNobodyCanConnect) {
  tell_all();
  forget<event::Listened>();
  EXPECT_THAT(shortfall().refusal, HasSubstr("where the service began to listen"));
}

TEST_F(ShortfallTest, WithoutThreadsTheOrderOfReadersIsNotTheRecordedOne) {
  tell_all();
  forget<event::ThreadStarted>();
  EXPECT_EQ(shortfall().refusal, "");
  EXPECT_THAT(shortfall().remarks, ElementsAre(HasSubstr("took 2 of 2 inputs")));
  EXPECT_THAT(shortfall(false).remarks, IsEmpty());
}

TEST_F(ShortfallTest, RootIsKnownWithoutItsStart) {
  tell_all();
  recording_.tell(event::SignalReceived{.number = SIGHUP, .code = SI_USER});
  forget<event::ProcessStarted>();
  EXPECT_THAT(shortfall().remarks, ElementsAre(HasSubstr("does not have the environment")));
  EXPECT_EQ(plan_->threads.at({1}).process, "0");
  EXPECT_EQ(plan_->units.back().process, "0");
}

// Else it would be the root's.
TEST_F(ShortfallTest, SignalOfAProcessThatIsNotKnownIsNobodys) {
  tell_all();
  recording_.process = {7};
  recording_.tell(event::SignalReceived{.number = SIGHUP, .code = SI_USER});
  EXPECT_EQ(shortfall().refusal, "");
  for (const Unit& unit : plan_->units) EXPECT_EQ(unit.signal, 0);
}

TEST_F(ShortfallTest, WithoutModulesTheDrawsOfLibrariesAreThePrograms) {
  tell_all();
  forget<event::ModuleLoaded>();
  EXPECT_THAT(shortfall().remarks, ElementsAre(HasSubstr("where libraries were loaded")));
}

TEST_F(ShortfallTest, WithoutAClockThereAreNoMoments) {
  tell_all();
  plan_ = recording_.plan();
  plan_->header.stamps_per_second = 0;
  EXPECT_THAT(Shortfall::of(*plan_, {}, false).refusal, HasSubstr("how fast its clock counted"));
}

}  // namespace
}  // namespace reprise::replayer
