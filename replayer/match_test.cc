#include "replayer/match.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

#include "protocol/postgresql_messages.h"
#include "replayer/testing/told_recording.h"

namespace reprise::replayer {

void PrintTo(Fidelity fidelity, std::ostream* out) { *out << fidelity_name(fidelity); }

namespace {

using event::Context;
using event::Protocol;
namespace pg = protocol::pg;

constexpr Context kFirst = Context::of({1}), kSecond = Context::of({2});

// A recording, and the calls of its replay.
class Matching : public testing::Test {
 protected:
  // Exchanges 1 and 2 with the calls that were told for them.
  void tell(const Context& context, const std::vector<ToldCall>& calls) {
    recording_.context = context;
    for (const ToldCall& call : calls) recording_.call(call);
  }

  CallMatch match(const Context& context, const ToldCall& call,
                  std::vector<event::ExchangeId> in_flight = {}) {
    return matcher().match(request(context, call, std::move(in_flight)));
  }
  CallRequest request(const Context& context, const ToldCall& call,
                      std::vector<event::ExchangeId> in_flight = {}) {
    matcher();
    return {.context = context,
            .peer = plan_->peer_at(address_of(call.peer)),
            .protocol = call.protocol,
            .operation = call.operation,
            .target = call.protocol == Protocol::kPostgres ? call.target : "",
            .prelude = call.prelude,
            .bytes = bytes_of(call.request),
            .in_flight = std::move(in_flight)};
  }
  // What the service is answered; "" when nothing.
  std::string answer(const CallMatch& match) {
    if (match.call == nullptr) return "";
    return text_of(
        plan_->streams->bytes({match.call->connection, Flow::kReceived}, match.call->response));
  }
  std::vector<std::string> left_of(event::ExchangeId exchange) {
    std::vector<std::string> operations;
    for (const RecordedCall* call : matcher().finish(exchange)) {
      operations.push_back(plan_->names[call->operation]);
    }
    return operations;
  }
  Matcher& matcher() {
    if (!matcher_) {
      plan_ = recording_.plan();
      matcher_.emplace(*plan_);
    }
    return *matcher_;
  }

  ToldRecording recording_;
  std::unique_ptr<Plan> plan_;
  std::optional<Matcher> matcher_;
};

ToldCall stock(const std::string& query, const std::string& answer = "",
               const std::string& headers = "") {
  return {.operation = "GET /stock",
          .request = get("/stock?" + query, headers),
          .response = ok(answer)};
}
ToldCall redis(const std::vector<std::string>& arguments, const std::string& response = "",
               bool prelude = false) {
  return {.operation = arguments.front(),
          .request = command(arguments),
          .response = response,
          .peer = "cache:6379",
          .protocol = Protocol::kResp,
          .prelude = prelude};
}

// A prepared statement of PostgreSQL that is executed under the name a connection has for it.
ToldCall execution(const std::string& name, const std::string& statement,
                   const std::string& answer = "") {
  return {.operation = "SELECT t",
          .request = pg::bind("", name) + pg::execute(),
          .response = pg::bind_complete() + pg::row({answer}) + pg::complete("SELECT 1"),
          .peer = "db:5432",
          .protocol = Protocol::kPostgres,
          .target = statement};
}
ToldCall preparation(const std::string& name, const std::string& statement) {
  return {.operation = "PARSE",
          .request = pg::parse(name, statement),
          .response = pg::parse_complete(),
          .peer = "db:5432",
          .protocol = Protocol::kPostgres,
          .prelude = true,
          .target = statement};
}
ToldCall synchronisation(char state = 'I') {
  return {.operation = "SYNC",
          .request = pg::sync(),
          .response = pg::ready(state),
          .peer = "db:5432",
          .protocol = Protocol::kPostgres,
          .prelude = true};
}

// --- The table of fidelities
// ----------------------------------------------------------------------

TEST_F(Matching, EqualRequestIsExact) {
  tell(kFirst, {stock("id=1", "seven")});
  const CallMatch found = match(kFirst, stock("id=1"));
  EXPECT_EQ(found.fidelity, Fidelity::kExact);
  EXPECT_EQ(answer(found), ok("seven"));
  EXPECT_EQ(found.difference, "");
}

TEST_F(Matching, CanonicallyEqualRequestIsExact) {
  tell(kFirst, {stock("id=1", "seven", "Accept: */*\r\nX-Shop: 3\r\n")});
  const CallMatch found = match(kFirst, stock("id=1", "", "x-shop: 3\r\naccept: */*\r\n"));
  EXPECT_EQ(found.fidelity, Fidelity::kExact);
  EXPECT_EQ(answer(found), ok("seven"));
}

TEST_F(Matching, OtherTraceHeaderIsRelaxedAndNamed) {
  tell(kFirst, {stock("id=1", "seven", "X-Request-Id: a\r\n")});
  const CallMatch found = match(kFirst, stock("id=1", "", "X-Request-Id: b\r\n"));
  EXPECT_EQ(found.fidelity, Fidelity::kRelaxed);
  EXPECT_EQ(answer(found), ok("seven"));
  EXPECT_NE(found.difference.find("X-Request-Id"), std::string::npos) << found.difference;
}

TEST_F(Matching, ChangedParameterIsSubstitutedAndNamed) {
  tell(kFirst, {stock("id=1", "seven")});
  const CallMatch found = match(kFirst, stock("id=2"));
  EXPECT_EQ(found.fidelity, Fidelity::kSubstituted);
  EXPECT_EQ(answer(found), ok("seven"));
  EXPECT_NE(found.difference, "");
}

TEST_F(Matching, ChangedArgumentOfARedisCommandIsSubstituted) {
  tell(kFirst, {redis({"GET", "a"}, "$1\r\n7\r\n")});
  const CallMatch found = match(kFirst, redis({"GET", "b"}));
  EXPECT_EQ(found.fidelity, Fidelity::kSubstituted);
  EXPECT_EQ(answer(found), "$1\r\n7\r\n");
}

TEST_F(Matching, OperationNobodyRecordedIsMissedHoweverLikeAnother) {
  tell(kFirst, {stock("id=1", "seven")});
  ToldCall like = stock("id=1");
  like.operation = "GET /stocks";
  const CallMatch found = match(kFirst, like);
  EXPECT_EQ(found.fidelity, Fidelity::kMissed);
  EXPECT_EQ(answer(found), "");
  EXPECT_NE(found.difference, "");
}

TEST_F(Matching, OtherPeerIsMissedThoughTheRequestIsEqual) {
  ToldCall elsewhere = stock("id=1", "eight");
  elsewhere.peer = "stock-2:80";
  tell(kFirst, {stock("id=1", "seven")});
  tell(kSecond, {elsewhere});
  EXPECT_EQ(match(kFirst, elsewhere).fidelity, Fidelity::kMissed);
  elsewhere.peer = "never-called:80";
  EXPECT_EQ(match(kFirst, elsewhere).fidelity, Fidelity::kMissed);
}

TEST_F(Matching, OtherExchangesCallIsNoAnswer) {
  tell(kSecond, {stock("id=1", "seven")});
  EXPECT_EQ(match(kFirst, stock("id=1")).fidelity, Fidelity::kMissed);
  EXPECT_EQ(match(kSecond, stock("id=1")).fidelity, Fidelity::kExact);
}

// --- Which of several
// -----------------------------------------------------------------------------

TEST_F(Matching, EachAnswerIsGivenOnce) {
  tell(kFirst, {stock("id=1", "first"), stock("id=1", "second")});
  EXPECT_EQ(answer(match(kFirst, stock("id=1"))), ok("first"));
  EXPECT_EQ(answer(match(kFirst, stock("id=1"))), ok("second"));
  EXPECT_EQ(match(kFirst, stock("id=1")).fidelity, Fidelity::kMissed);
}

TEST_F(Matching, ReorderedCallsGetTheirOwnAnswers) {
  tell(kFirst, {stock("id=1", "one"), stock("id=2", "two")});
  EXPECT_EQ(answer(match(kFirst, stock("id=2"))), ok("two"));
  EXPECT_EQ(answer(match(kFirst, stock("id=1"))), ok("one"));
}

TEST_F(Matching, RelaxedMatchGoesBeforeTheNextInOrder) {
  tell(kFirst, {stock("id=1", "one"), stock("id=2", "two", "X-Request-Id: a\r\n")});
  const CallMatch found = match(kFirst, stock("id=2", "", "X-Request-Id: b\r\n"));
  EXPECT_EQ(found.fidelity, Fidelity::kRelaxed);
  EXPECT_EQ(answer(found), ok("two"));
}

TEST_F(Matching, ChangedCallsGetTheAnswersInRecordedOrder) {
  tell(kFirst, {stock("id=1", "one"), stock("id=2", "two")});
  EXPECT_EQ(answer(match(kFirst, stock("id=8"))), ok("one"));
  EXPECT_EQ(answer(match(kFirst, stock("id=9"))), ok("two"));
}

TEST_F(Matching, HundredsOfChangedCallsGetTheAnswersInRecordedOrder) {
  std::vector<ToldCall> calls;
  for (int i = 0; i < 300; ++i) calls.push_back(stock(std::to_string(i), std::to_string(i)));
  tell(kFirst, calls);
  for (int i = 0; i < 300; ++i) {
    const CallMatch found = match(kFirst, stock("changed=" + std::to_string(i)));
    ASSERT_EQ(found.fidelity, Fidelity::kSubstituted) << i;
    EXPECT_EQ(answer(found), ok(std::to_string(i)));
  }
}

TEST_F(Matching, CallThatIsNotMadeAnyMoreHidesNoneOfTheHundredsBehindIt) {
  std::vector<ToldCall> calls;
  for (int i = 0; i < 300; ++i) calls.push_back(stock(std::to_string(i), std::to_string(i)));
  tell(kFirst, calls);
  for (int i = 1; i < 300; ++i) {
    const CallMatch found = match(kFirst, stock(std::to_string(i)));
    ASSERT_EQ(found.fidelity, Fidelity::kExact) << i;
    EXPECT_EQ(answer(found), ok(std::to_string(i)));
  }
  EXPECT_EQ(left_of({1}), std::vector<std::string>{"GET /stock"});
}

TEST_F(Matching, AddedCallGivesBackTheAnswerThatBelongsToALaterOne) {
  tell(kFirst, {stock("id=1", "one"), stock("id=2", "two")});
  EXPECT_EQ(match(kFirst, stock("id=9")).fidelity, Fidelity::kSubstituted);  // the added one
  const CallMatch first = match(kFirst, stock("id=1"));
  EXPECT_EQ(first.fidelity, Fidelity::kExact);
  EXPECT_TRUE(first.reclaimed);
  EXPECT_EQ(answer(first), ok("one"));
  const CallMatch second = match(kFirst, stock("id=2"));
  EXPECT_FALSE(second.reclaimed);
  EXPECT_EQ(answer(second), ok("two"));
  EXPECT_TRUE(left_of({1}).empty());
}

TEST_F(Matching, ReclaimedAnswerIsNotGivenAThirdTime) {
  tell(kFirst, {stock("id=1", "one")});
  match(kFirst, stock("id=9"));
  ASSERT_TRUE(match(kFirst, stock("id=1")).reclaimed);
  EXPECT_EQ(match(kFirst, stock("id=1")).fidelity, Fidelity::kMissed);
}

// --- Exchanges that are replayed again
// ------------------------------------------------------------

TEST_F(Matching, AfterTheLastOfEqualCallsTheFirstIsGivenAgain) {
  tell(kFirst, {stock("id=1", "first"), stock("id=1", "second"), stock("id=2", "two")});
  matcher().give_again();
  for (int pass = 0; pass < 3; ++pass) {
    EXPECT_EQ(answer(match(kFirst, stock("id=1"))), ok("first"));
    EXPECT_EQ(answer(match(kFirst, stock("id=1"))), ok("second"));
    const CallMatch last = match(kFirst, stock("id=2"));
    EXPECT_EQ(last.fidelity, Fidelity::kExact);
    EXPECT_EQ(answer(last), ok("two"));
  }
}

TEST_F(Matching, AnEqualCallThatWasGivenGoesBeforeASubstitute) {
  tell(kFirst, {stock("id=1", "one"), stock("id=2", "two")});
  matcher().give_again();
  for (int copy = 0; copy < 2; ++copy) {
    const CallMatch found = match(kFirst, stock("id=1"));
    EXPECT_EQ(found.fidelity, Fidelity::kExact);
    EXPECT_EQ(answer(found), ok("one"));
  }
  EXPECT_EQ(match(kFirst, stock("id=9")).fidelity, Fidelity::kSubstituted);
}

TEST_F(Matching, WhatWasASubstituteIsNotReclaimedInALaterPass) {
  tell(kFirst, {stock("id=1", "one")});
  matcher().give_again();
  EXPECT_EQ(match(kFirst, stock("id=9")).fidelity, Fidelity::kSubstituted);
  EXPECT_FALSE(match(kFirst, stock("id=1")).reclaimed);
}

TEST_F(Matching, LookingAheadConsumesNothing) {
  tell(kFirst, {stock("id=1", "one")});
  const CallRequest unfinished = request(kFirst, stock(""));
  ASSERT_NE(matcher().expected(unfinished), nullptr);
  EXPECT_EQ(matcher().expected(unfinished), matcher().expected(unfinished));
  EXPECT_EQ(match(kFirst, stock("id=1")).fidelity, Fidelity::kExact);
  EXPECT_EQ(matcher().expected(unfinished), nullptr);
}

TEST_F(Matching, CallsThatWereNotMadeAreLeftAndPreludesAreNot) {
  tell(kFirst, {redis({"AUTH", "x"}, "+OK\r\n", true), redis({"GET", "a"}, "$-1\r\n"),
                stock("id=1", "one")});
  match(kFirst, redis({"GET", "a"}));
  EXPECT_EQ(left_of({1}), std::vector<std::string>{"GET /stock"});
}

// --- Preludes
// -------------------------------------------------------------------------------------

TEST_F(Matching, PreludeIsAnsweredInAnyContextAndAgain) {
  tell(kFirst, {redis({"AUTH", "x"}, "+OK\r\n", true)});
  for (const Context& context : {kSecond, Context::background(), Context::unattributed(), kFirst}) {
    const CallMatch found = match(context, redis({"AUTH", "x"}, "", true));
    EXPECT_EQ(found.fidelity, Fidelity::kExact);
    EXPECT_EQ(answer(found), "+OK\r\n");
  }
}

TEST_F(Matching, PreludesOfEqualContentAreAnsweredInTurn) {
  tell(kFirst, {redis({"HELLO", "3"}, "%0\r\n", true), redis({"HELLO", "3"}, "%1\r\n", true)});
  EXPECT_EQ(answer(match(kSecond, redis({"HELLO", "3"}, "", true))), "%0\r\n");
  EXPECT_EQ(answer(match(kSecond, redis({"HELLO", "3"}, "", true))), "%1\r\n");
}

TEST_F(Matching, OtherPasswordInAPreludeIsNeverExact) {
  tell(kFirst, {redis({"AUTH", "x"}, "+OK\r\n", true)});
  EXPECT_EQ(match(kFirst, redis({"AUTH", "y"}, "", true)).fidelity, Fidelity::kSubstituted);
  EXPECT_EQ(match(kSecond, redis({"AUTH", "y"}, "", true)).fidelity, Fidelity::kMissed);
}

TEST_F(Matching, SameCommandLaterOnAConnectionIsWorkLikeAnyOther) {
  tell(kFirst, {redis({"PING"}, "+PONG\r\n")});
  EXPECT_EQ(match(kSecond, redis({"PING"})).fidelity, Fidelity::kMissed);
  EXPECT_EQ(match(kFirst, redis({"PING"})).fidelity, Fidelity::kExact);
}

// --- Unknown contexts
// -----------------------------------------------------------------------------

TEST_F(Matching, CallRecordedWithoutAContextAnswersAnEqualOneAsRelaxed) {
  tell(Context::unattributed(), {stock("id=1", "one")});
  EXPECT_EQ(match(kFirst, stock("id=2")).fidelity, Fidelity::kMissed);
  const CallMatch found = match(kFirst, stock("id=1"));
  EXPECT_EQ(found.fidelity, Fidelity::kRelaxed);
  EXPECT_EQ(answer(found), ok("one"));
  EXPECT_EQ(match(kFirst, stock("id=1")).fidelity, Fidelity::kMissed);
}

TEST_F(Matching, CallOfUnknownContextMayBeOfAnExchangeThatIsInFlight) {
  tell(kFirst, {stock("id=1", "one")});
  EXPECT_EQ(match(Context::unattributed(), stock("id=1"), {{2}}).fidelity, Fidelity::kMissed);
  EXPECT_EQ(match(Context::unattributed(), stock("id=2"), {{1}}).fidelity, Fidelity::kMissed);
  const CallMatch found = match(Context::unattributed(), stock("id=1"), {{2}, {1}});
  EXPECT_EQ(found.fidelity, Fidelity::kRelaxed);
  EXPECT_EQ(answer(found), ok("one"));
  EXPECT_TRUE(left_of({1}).empty());
}

// HAProxy: of most calls neither run knows for whom they are made, of the first only the replay
// does not.
TEST_F(Matching, CallOfUnknownContextIsNotGivenTheNextAnswerOfNobodyKnownBeforeItsOwn) {
  tell(kFirst, {stock("id=1", "one")});
  tell(Context::unattributed(), {stock("id=2", "two")});
  const CallMatch first = match(Context::unattributed(), stock("id=1"), {{1}, {2}});
  EXPECT_EQ(first.fidelity, Fidelity::kRelaxed);
  EXPECT_EQ(answer(first), ok("one"));
  EXPECT_EQ(answer(match(kSecond, stock("id=2"))), ok("two"));
}

TEST_F(Matching, CallGetsTheEqualOneOfNobodyKnownBeforeAnUnequalOneOfItsOwnContext) {
  tell(kFirst, {stock("id=1", "one"), stock("id=2", "other", "X-Request-Id: a\r\n")});
  tell(Context::unattributed(), {stock("id=2", "two", "X-Request-Id: b\r\n")});
  const CallMatch second = match(kFirst, stock("id=2", "", "X-Request-Id: b\r\n"));
  EXPECT_EQ(second.fidelity, Fidelity::kRelaxed);
  EXPECT_EQ(answer(second), ok("two"));
  EXPECT_EQ(match(kFirst, stock("id=1")).fidelity, Fidelity::kExact);
  EXPECT_EQ(answer(match(kFirst, stock("id=2", "", "X-Request-Id: a\r\n"))), ok("other"));
}

TEST_F(Matching, CallReclaimsTheAnswerOfNobodyKnownThatAnotherOneGotAsASubstitute) {
  tell(Context::unattributed(), {stock("id=1", "one")});
  ASSERT_EQ(match(Context::unattributed(), stock("id=9")).fidelity, Fidelity::kSubstituted);
  const CallMatch own = match(kFirst, stock("id=1"));
  EXPECT_EQ(own.fidelity, Fidelity::kRelaxed);
  EXPECT_TRUE(own.reclaimed);
  EXPECT_EQ(answer(own), ok("one"));
}

// --- Background
// -----------------------------------------------------------------------------------

TEST_F(Matching, BackgroundCallsPastTheRecordingGetTheLastAnswerOfTheirKindAgain) {
  tell(Context::background(), {stock("id=1", "old"), stock("id=1", "new"), stock("id=2", "two")});
  for (const char* recorded : {"old", "new"}) {
    const CallMatch found = match(Context::background(), stock("id=1"));
    EXPECT_EQ(answer(found), ok(recorded));
    EXPECT_FALSE(found.past_tape);
  }
  match(Context::background(), stock("id=2"));
  for (int again = 0; again < 3; ++again) {
    const CallMatch found = match(Context::background(), stock("id=1"));
    EXPECT_TRUE(found.past_tape);
    EXPECT_EQ(answer(found), ok("new"));
  }
}

TEST_F(Matching, BackgroundCallThatWasNeverRecordedIsMissed) {
  tell(Context::background(), {stock("id=1", "old")});
  EXPECT_EQ(match(Context::background(), redis({"GET", "a"})).fidelity, Fidelity::kMissed);
}

TEST_F(Matching, ThousandsOfPollsAreAllAnsweredInOrder) {
  constexpr int kPolls = 1000;
  std::vector<ToldCall> polls;
  for (int i = 0; i < kPolls; ++i) polls.push_back(stock("poll", std::to_string(i)));
  tell(Context::background(), polls);
  for (int i = 0; i < kPolls; ++i) {
    ASSERT_EQ(answer(match(Context::background(), stock("poll"))), ok(std::to_string(i)));
  }
}

// --- Opaque
// ---------------------------------------------------------------------------------------

TEST_F(Matching, OpaqueTurnIsNeverMatchedByAddress) {
  ToldCall opaque{.request = "ab", .response = "cd", .protocol = Protocol::kOpaque};
  tell(kFirst, {opaque});
  EXPECT_EQ(match(kFirst, opaque).fidelity, Fidelity::kMissed);
}

TEST_F(Matching, OpaqueTurnThatWasGivenIsNotMissing) {
  tell(kFirst, {{.request = "ab", .response = "cd", .protocol = Protocol::kOpaque},
                {.request = "ef", .response = "gh", .protocol = Protocol::kOpaque}});
  matcher().give_opaque(plan_->calls.front());
  EXPECT_EQ(left_of({1}).size(), 1u);
}

// --- PostgreSQL --------------------------------------------------------------------------------

TEST_F(Matching, StatementIsTheOneThatWasPreparedWhateverItsName) {
  tell(kFirst, {execution("s1", "SELECT a FROM t", "a"), execution("s2", "SELECT b FROM t", "b")});
  // Another connection of the pool: its names are the other way round.
  const CallMatch b = match(kFirst, execution("s1", "SELECT b FROM t"));
  EXPECT_EQ(b.fidelity, Fidelity::kExact);
  EXPECT_EQ(answer(b), execution("", "", "b").response);
  const CallMatch a = match(kFirst, execution("s9", "SELECT a FROM t"));
  EXPECT_EQ(a.fidelity, Fidelity::kExact);
  EXPECT_EQ(answer(a), execution("", "", "a").response);
}

TEST_F(Matching, ChangedStatementIsSubstituted) {
  tell(kFirst, {execution("s1", "SELECT a FROM t", "a")});
  const CallMatch found = match(kFirst, execution("s1", "SELECT a, b FROM t"));
  EXPECT_EQ(found.fidelity, Fidelity::kSubstituted);
  EXPECT_EQ(found.difference, "statement");
}

TEST_F(Matching, StatementIsPreparedInAnyContextUnderAnyName) {
  tell(kFirst, {preparation("s1", "SELECT a FROM t")});
  for (int connection = 0; connection < 3; ++connection) {
    const CallMatch found =
        match(kSecond, preparation("c" + std::to_string(connection), "SELECT a FROM t"));
    EXPECT_EQ(found.fidelity, Fidelity::kExact);
    EXPECT_EQ(answer(found), pg::parse_complete());
  }
  EXPECT_EQ(match(kSecond, preparation("", "SELECT of a changed build")).fidelity,
            Fidelity::kRelaxed);
}

TEST_F(Matching, SyncTellsTheStateAfterTheCallThatItFollows) {
  ToldCall begin = execution("", "BEGIN"), commit = execution("", "COMMIT");
  begin.operation = "BEGIN";
  commit.operation = "COMMIT";
  tell(kFirst, {begin, synchronisation('T'), execution("s", "SELECT a FROM t"),
                synchronisation('T'), commit, synchronisation('I')});
  const auto state_after = [&](const CallMatch& call) {
    CallRequest sync = request(kFirst, synchronisation());
    sync.follows = call.call;
    return answer(matcher().match(sync));
  };
  EXPECT_EQ(state_after(match(kFirst, begin)), pg::ready('T'));
  // One call more than was recorded, and its Sync.
  const CallMatch added = match(kFirst, execution("s", "SELECT a, b FROM t"));
  EXPECT_EQ(state_after(added), pg::ready('T'));
  EXPECT_EQ(state_after(match(kFirst, execution("s", "SELECT a FROM t"))), pg::ready('T'));
  EXPECT_EQ(state_after(match(kFirst, commit)), pg::ready('I'));
}

TEST_F(Matching, SyncWhereNoneWasRecordedTellsTheStateToo) {
  ToldCall begin = execution("", "BEGIN");
  begin.operation = "BEGIN";
  begin.response += pg::ready('T');  // a simple query
  tell(kFirst, {synchronisation('I'), begin, execution("s", "SELECT a FROM t"),
                synchronisation('T'), execution("s", "SELECT a FROM t")});
  CallRequest sync = request(kFirst, synchronisation());
  sync.follows = match(kFirst, begin).call;
  EXPECT_EQ(answer(matcher().match(sync)), pg::ready('T'));
}

TEST_F(Matching, ProofOfIdentityWithAnotherNonceIsTaken) {
  ToldCall proof{.operation = "AUTH",
                 .request = pg::message('p', "c=1"),
                 .response = pg::authentication(12, "v=1") + pg::welcome(),
                 .peer = "db:5432",
                 .protocol = Protocol::kPostgres,
                 .prelude = true};
  ToldCall first = proof;
  first.request = pg::message('p', "n,,r=1");
  first.response = pg::authentication(11, "r=1");
  tell(kFirst, {first, proof});
  const CallMatch equal = match(kFirst, first);
  EXPECT_EQ(equal.fidelity, Fidelity::kExact);
  EXPECT_EQ(equal.skip, 0U);
  first.request = pg::message('p', "n,,r=2");
  const CallMatch other = match(kSecond, first);
  EXPECT_EQ(other.fidelity, Fidelity::kRelaxed);
  EXPECT_EQ(other.difference, "credentials");
  EXPECT_EQ(answer(other).substr(other.skip), pg::welcome());
}

}  // namespace
}  // namespace reprise::replayer
