#include "replayer/outcomes.h"

#include <gtest/gtest.h>
#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>

#include "replayer/testing/told_recording.h"

namespace reprise::replayer {
namespace {

using event::Context;

constexpr Context kFirst = Context::of({1}), kSecond = Context::of({2}), kThird = Context::of({3});

// --- Connects
// -------------------------------------------------------------------------------------

class Connects : public testing::Test {
 protected:
  event::ConnectionId tell(const Context& context, const std::string& peer, int error = 0) {
    recording_.context = context;
    return recording_.connect(peer, error);
  }
  // errno that a connect in `context` is told; -1 when nobody ever went there.
  int connect(const Context& context, const std::string& peer) {
    const RecordedConnect* outcome = take(context, peer);
    return outcome == nullptr ? -1 : outcome->error;
  }
  const RecordedConnect* take(const Context& context, const std::string& peer) {
    if (!outcomes_) {
      plan_ = recording_.plan();
      outcomes_.emplace(*plan_);
    }
    const auto name = plan_->peer_at(address_of(peer));
    return name ? outcomes_->take(context, *name, SOCK_STREAM, thread_) : nullptr;
  }
  // What is told from here on is that thread's, the n-th of the service.
  void told_by(std::uint32_t thread) {
    recording_.thread = {thread};
    recording_.tell(event::ThreadStarted{.ordinal = thread});
  }
  // So are the connects from here on.
  void made_by(std::uint32_t thread) { thread_ = {"0", thread}; }

  ToldRecording recording_;
  std::unique_ptr<Plan> plan_;
  std::optional<ConnectOutcomes> outcomes_;
  RecordedThread thread_;
};

TEST_F(Connects, ConnectGetsTheOutcomeOfItsOwnContext) {
  tell(kFirst, "stock", ECONNREFUSED);
  tell(kSecond, "stock");
  EXPECT_EQ(connect(kSecond, "stock"), 0);
  EXPECT_EQ(connect(kFirst, "stock"), ECONNREFUSED);
}

TEST_F(Connects, RetryThatWorkedWorksAgain) {
  tell(kFirst, "stock", ECONNREFUSED);
  tell(kFirst, "stock", ECONNREFUSED);
  tell(kFirst, "stock");
  EXPECT_EQ(connect(kFirst, "stock"), ECONNREFUSED);
  EXPECT_EQ(connect(kFirst, "stock"), ECONNREFUSED);
  EXPECT_EQ(connect(kFirst, "stock"), 0);
  EXPECT_EQ(connect(kFirst, "stock"), 0);  // past the recording
}

TEST_F(Connects, FailureOfOneExchangeIsNotPutUponAnother) {
  tell(kFirst, "stock", ECONNREFUSED);
  tell(kSecond, "stock");
  EXPECT_EQ(connect(kThird, "stock"), 0);
  EXPECT_EQ(connect(Context::background(), "stock"), 0);
  EXPECT_EQ(connect(kFirst, "stock"), ECONNREFUSED);
}

TEST_F(Connects, PeerThatNeverAnsweredRefusesEveryone) {
  tell(kFirst, "stock", ECONNREFUSED);
  EXPECT_EQ(connect(kSecond, "stock"), ECONNREFUSED);
  EXPECT_EQ(connect(kFirst, "stock"), ECONNREFUSED);
  EXPECT_EQ(connect(kFirst, "stock"), ECONNREFUSED);
}

TEST_F(Connects, PoolMayConnectForAnotherExchangeThanRecorded) {
  const auto first = tell(kFirst, "stock");
  const auto second = tell(kSecond, "stock");
  // Each recorded connection is stood for once before one is stood for again.
  EXPECT_EQ(take(kThird, "stock")->connection, first);
  EXPECT_EQ(take(kFirst, "stock")->connection, second);
  EXPECT_EQ(connect(kSecond, "stock"), 0);
}

// A thread was woken once more than in the recording, so that for whom it connects is not known.
TEST_F(Connects, ConnectOfNobodyKnownIsThatOfItsThreadAndTakesNoneFromAnother) {
  recording_.tell(event::ProcessStarted{.path = "0"});
  told_by(3);
  const auto first = tell(kFirst, "stock");
  told_by(4);
  const auto second = tell(kSecond, "stock");
  made_by(4);
  EXPECT_EQ(take(Context::unattributed(), "stock")->connection, second);
  made_by(3);
  EXPECT_EQ(take(kFirst, "stock")->connection, first);
}

TEST_F(Connects, ConnectRecordedForNobodyKnownIsThatOfItsThread) {
  recording_.tell(event::ProcessStarted{.path = "0"});
  told_by(3);
  const auto first = tell(Context::unattributed(), "stock");
  told_by(4);
  const auto second = tell(Context::unattributed(), "stock");
  told_by(5);
  tell(kThird, "stock");
  made_by(4);
  EXPECT_EQ(take(kSecond, "stock")->connection, second);
  made_by(3);
  EXPECT_EQ(take(Context::unattributed(), "stock")->connection, first);
}

TEST_F(Connects, ConnectForNobodyIsThatOfItsThreadEvenIfTheRecordingDoesNotKnowForWhom) {
  recording_.tell(event::ProcessStarted{.path = "0"});
  told_by(3);
  const auto first = tell(Context::background(), "stock");
  told_by(4);
  const auto second = tell(Context::unattributed(), "stock");
  made_by(4);
  EXPECT_EQ(take(Context::background(), "stock")->connection, second);
  made_by(5);
  EXPECT_EQ(take(Context::background(), "stock")->connection, first);
}

TEST_F(Connects, OtherPeersOutcomeIsNoOutcome) {
  tell(kFirst, "stock", ECONNREFUSED);
  tell(kFirst, "cache");
  EXPECT_EQ(connect(kFirst, "cache"), 0);
  EXPECT_EQ(connect(kFirst, "stock"), ECONNREFUSED);
  EXPECT_EQ(connect(kFirst, "never"), -1);
}

TEST_F(Connects, NonBlockingConnectHasTheOutcomeThatTheServiceLearntLater) {
  const auto failed = tell(kFirst, "stock", EINPROGRESS);
  recording_.tell(event::ConnectFinished{failed, ETIMEDOUT});
  tell(kSecond, "cache", EINPROGRESS);  // given up
  const auto worked = tell(kThird, "payments", EINPROGRESS);
  recording_.tell(event::ConnectFinished{worked, 0});
  using Outcome = RecordedConnect::Outcome;
  const RecordedConnect* connect = take(kFirst, "stock");
  EXPECT_EQ(connect->outcome, Outcome::kFailed);
  EXPECT_EQ(connect->final_error, ETIMEDOUT);
  EXPECT_EQ(take(kSecond, "cache")->outcome, Outcome::kPending);
  EXPECT_EQ(take(kThird, "payments")->outcome, Outcome::kEstablished);
}

TEST_F(Connects, ConnectWhoseOutcomeNobodyAskedForWasEstablishedIfItWasUsed) {
  const auto used = tell(kFirst, "stock", EINPROGRESS);
  recording_.receive(used, "hello");
  EXPECT_EQ(take(kFirst, "stock")->outcome, RecordedConnect::Outcome::kEstablished);
}

// --- Lookups
// --------------------------------------------------------------------------------------

class Lookups : public testing::Test {
 protected:
  static event::LookedUp query(const std::string& node) {
    return {.node = node, .family = AF_INET, .type = SOCK_STREAM};
  }
  void tell(const Context& context, const std::string& node, const std::string& address) {
    event::LookedUp lookup = query(node);
    lookup.addresses = {{AF_INET, SOCK_STREAM, 0, {address, {}}}};
    tell(context, lookup);
  }
  void tell(const Context& context, const event::LookedUp& lookup) {
    recording_.context = context;
    recording_.tell(lookup);
  }
  LookupOutcomes::Found take(const Context& context, const event::LookedUp& query) {
    if (!outcomes_) {
      plan_ = recording_.plan();
      outcomes_.emplace(*plan_);
    }
    return outcomes_->take(context, query);
  }
  // The first address the service is told; "" when the name is unknown.
  std::string look_up(const Context& context, const std::string& node) {
    const LookupOutcomes::Found found = take(context, query(node));
    return found.lookup == nullptr ? "" : found.lookup->addresses.at(0).address.text;
  }

  ToldRecording recording_;
  std::unique_ptr<Plan> plan_;
  std::optional<LookupOutcomes> outcomes_;
};

TEST_F(Lookups, AnswersThatRotateRotateAgain) {
  tell(kFirst, "stock", "192.0.2.1");
  tell(kFirst, "stock", "192.0.2.2");
  tell(kFirst, "stock", "192.0.2.1");
  EXPECT_EQ(look_up(kFirst, "stock"), "192.0.2.1");
  EXPECT_EQ(look_up(kFirst, "stock"), "192.0.2.2");
  EXPECT_EQ(look_up(kFirst, "stock"), "192.0.2.1");
}

TEST_F(Lookups, EachExchangeGetsTheAnswerItGot) {
  tell(kFirst, "stock", "192.0.2.1");
  tell(kSecond, "stock", "192.0.2.2");
  EXPECT_EQ(look_up(kSecond, "stock"), "192.0.2.2");
  EXPECT_EQ(look_up(kFirst, "stock"), "192.0.2.1");
}

TEST_F(Lookups, CacheMayLookUpForAnotherExchangeThanRecorded) {
  tell(kFirst, "stock", "192.0.2.1");
  const LookupOutcomes::Found found = take(kSecond, query("stock"));
  ASSERT_NE(found.lookup, nullptr);
  EXPECT_FALSE(found.relaxed);
  EXPECT_EQ(look_up(kFirst, "stock"), "192.0.2.1");
  EXPECT_EQ(look_up(kFirst, "stock"), "192.0.2.1");  // once more than recorded
}

TEST_F(Lookups, UnknownNameHasNoAnswer) {
  tell(kFirst, "stock", "192.0.2.1");
  EXPECT_EQ(take(kFirst, query("stocks")).lookup, nullptr);
  event::LookedUp other_service = query("stock");
  other_service.service = "http";
  EXPECT_EQ(take(kFirst, other_service).lookup, nullptr);
}

TEST_F(Lookups, FailedLookupFailsAgain) {
  event::LookedUp failed = query("stock");
  failed.result = EAI_AGAIN;
  tell(kFirst, failed);
  tell(kFirst, "stock", "192.0.2.1");
  EXPECT_EQ(take(kFirst, query("stock")).lookup->result, EAI_AGAIN);
  EXPECT_EQ(look_up(kFirst, "stock"), "192.0.2.1");
}

TEST_F(Lookups, AnswerToEqualHintsGoesFirst) {
  event::LookedUp six = query("stock");
  six.family = AF_INET6;
  tell(kFirst, "stock", "192.0.2.1");
  event::LookedUp answer = six;
  answer.addresses = {{AF_INET6, SOCK_STREAM, 0, {"2001:db8::1", {}}}};
  tell(kFirst, answer);
  const LookupOutcomes::Found found = take(kFirst, six);
  EXPECT_FALSE(found.relaxed);
  EXPECT_EQ(found.lookup->addresses.at(0).address.text, "2001:db8::1");
}

TEST_F(Lookups, OtherHintsGetTheAnswerThereIsAndCountAsRelaxed) {
  tell(kFirst, "stock", "192.0.2.1");
  event::LookedUp other = query("stock");
  other.flags = AI_ADDRCONFIG;
  const LookupOutcomes::Found found = take(kFirst, other);
  ASSERT_NE(found.lookup, nullptr);
  EXPECT_TRUE(found.relaxed);
  EXPECT_EQ(found.lookup->addresses.at(0).address.text, "192.0.2.1");
}

}  // namespace
}  // namespace reprise::replayer
