#include "replayer/settlement.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "replayer/testing/told_recording.h"

namespace reprise::replayer {
namespace {

using event::Context;
using Kind = Divergence::Kind;

// No settlement asks the service itself.
class NoService final : public Service {
  void* arena() override { return nullptr; }
  void drain() override {}
  event::Context context_of(std::uint32_t) override { return {}; }
  const event::Exchange* exchange(event::ExchangeId) override { return nullptr; }
  const event::Connection* connection(event::ConnectionId) override { return nullptr; }
  bool alive() override { return false; }
  std::optional<event::ProcessExited> exited() override { return {}; }
  void signal(int) override {}
};

// One recorded exchange, and its replay as the client sees it.
class Settlement : public testing::Test {
 protected:
  void record(const std::string& response) {
    const auto id = recording_.begin(recording_.accept(), get("/order"));
    if (!response.empty()) recording_.answer(id, response);
  }
  Stage& stage() {
    if (!plan_) {
      plan_ = recording_.plan();
      const std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/settlement-" +
                               testing::UnitTest::GetInstance()->current_test_info()->name();
      control_.emplace(*Control::create(path, 1, *plan_));
      clock_.emplace(*control_, *plan_, false);
      matcher_.emplace(*plan_);
      stage_.reset(new Stage{*plan_, *control_, *clock_, *matcher_, ledger_, service_, delivery_,
                             identities_});
    }
    return *stage_;
  }
  // What AnswerWatch makes of `response`.
  DrivenExchange answered(const std::string& response, bool whole = true) {
    stage();
    const RecordedExchange& recorded = plan_->exchanges.front();
    const std::string expected =
        text_of(plan_->streams->bytes({recorded.connection, Flow::kSent}, recorded.response));
    DrivenExchange exchange;
    exchange.recorded = &recorded;
    exchange.answer.length = response.size();
    exchange.answer.equal = expected.starts_with(response);
    exchange.answer.whole = whole;
    if (!exchange.answer.equal) exchange.answer.bytes = bytes_of(response);
    return exchange;
  }
  // "response: status 200 -> status 500", one line for each divergence.
  std::string settle(const DrivenExchange& exchange) {
    settle_response(stage(), exchange);
    return divergences();
  }
  std::string settle(const DrawTally::Counts& draws) {
    DrawComparison comparison(stage().plan.draws, replayed_);
    settle_work(stage(), plan_->exchanges.front(), comparison, draws);
    return divergences();
  }
  std::string divergences() const {
    std::string text;
    for (const Divergence& divergence : ledger_.divergences()) {
      EXPECT_EQ(divergence.exchange, event::ExchangeId{1});
      text += std::string(divergence_name(divergence.kind)) + ": " + divergence.expected + " -> " +
              divergence.actual + "\n";
    }
    return text;
  }

  ToldRecording recording_;
  std::unique_ptr<Plan> plan_;
  std::optional<Control> control_;
  std::optional<Clock> clock_;
  std::optional<Matcher> matcher_;
  Ledger ledger_;
  NoService service_;
  Delivery delivery_;
  tls::Identities identities_;
  DrawTally replayed_;
  std::unique_ptr<Stage> stage_;
};

std::string response(const std::string& status, const std::string& headers,
                     const std::string& body) {
  return "HTTP/1.1 " + status + "\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
// In chunks of `size` bytes.
std::string chunked(const std::string& body, std::size_t size, const std::string& headers = "",
                    const std::string& trailers = "") {
  std::string text = "HTTP/1.1 200 OK\r\n" + headers + "Transfer-Encoding: chunked\r\n\r\n";
  for (std::size_t at = 0; at < body.size(); at += size) {
    const std::string chunk = body.substr(at, size);  // fewer than ten bytes
    text += std::to_string(chunk.size()) + "\r\n" + chunk + "\r\n";
  }
  return text + "0\r\n" + trailers + "\r\n";
}

// --- Responses
// ------------------------------------------------------------------------------------

TEST_F(Settlement, EqualResponseIsNoDivergence) {
  record(ok("seven"));
  EXPECT_EQ(settle(answered(ok("seven"))), "");
  EXPECT_EQ(ledger_.replayed_exchanges(), 1u);
  EXPECT_TRUE(ledger_.notes().empty());
}

TEST_F(Settlement, OtherStatusIsToldBeforeAllElse) {
  record(response("200 OK", "", "seven"));
  EXPECT_EQ(settle(answered(response("500 Oops", "X: y\r\n", "eight"))),
            "response: status 200 -> status 500\n");
}

TEST_F(Settlement, OtherBodyIsShownWhereItDiffersFirst) {
  const std::string before(100, 'a'), after(100, 'z');
  record(ok(before + "price 2.50" + after));
  EXPECT_EQ(settle(answered(ok(before + "price 2.75" + after))),
            "response: body of 210 bytes: …aaaaaaaaaaaaprice 2.50zzzzzzzzzzzzzzzzzz… -> "
            "body of 210 bytes: …aaaaaaaaaaaaprice 2.75zzzzzzzzzzzzzzzzzz…\n");
}

TEST_F(Settlement, ShortBodiesAreShownWhole) {
  record(ok("seven left"));
  EXPECT_EQ(settle(answered(ok("six left"))),
            "response: body of 10 bytes: seven left -> body of 8 bytes: six left\n");
}

TEST_F(Settlement, BodiesOfManyLinesAreShownOnOne) {
  record(ok("seven\nleft\n"));
  EXPECT_EQ(settle(answered(ok("six\nleft\n"))),
            "response: body of 11 bytes: seven left -> body of 9 bytes: six left\n");
}

TEST_F(Settlement, BodyThatIsGoneIsToldAsEmpty) {
  record(ok("seven"));
  EXPECT_EQ(settle(answered(ok(""))), "response: body of 5 bytes: seven -> body of 0 bytes: \n");
}

TEST_F(Settlement, OtherHeaderIsNamedWithBothValues) {
  record(ok("seven", "X-Price: 1\r\n"));
  EXPECT_EQ(settle(answered(ok("seven", "x-price: 2\r\n"))),
            "response: X-Price: 1 -> X-Price: 2\n");
}

TEST_F(Settlement, HeadersThatCameOrWentAreNamed) {
  record(ok("seven", "X-Old: 1\r\n"));
  EXPECT_EQ(settle(answered(ok("seven"))), "response: X-Old: 1 -> no header X-Old\n");
  const DrivenExchange added = answered(ok("seven", "X-Old: 1\r\nX-New: 2\r\n"));
  EXPECT_EQ(settle(added),
            "response: X-Old: 1 -> no header X-Old\nresponse: no header X-New -> X-New: 2\n");
}

TEST_F(Settlement, EachOfSeveralHeadersOfOneNameCounts) {
  const std::string one = "Set-Cookie: a=1\r\n", two = "Set-Cookie: b=2\r\n";
  record(ok("seven", one));
  EXPECT_EQ(settle(answered(ok("seven", one + two))),
            "response: no further header Set-Cookie -> Set-Cookie: b=***\n");
}

TEST_F(Settlement, SecondHeaderOfANameIsComparedWithTheSecond) {
  const std::string one = "X-A: 1\r\n", two = "X-A: 2\r\n";
  record(ok("seven", one + two));
  EXPECT_EQ(settle(answered(ok("seven", one + "X-A: 3\r\n"))), "response: X-A: 2 -> X-A: 3\n");
}

TEST_F(Settlement, CookieIsComparedAndNotShown) {
  record(ok("seven", "Set-Cookie: a=1\r\n"));
  EXPECT_EQ(settle(answered(ok("seven", "Set-Cookie: a=1\r\n"))), "");
  EXPECT_EQ(settle(answered(ok("seven", "Set-Cookie: a=2\r\n"))),
            "response: Set-Cookie: a=*** -> Set-Cookie: a=***\n");
}

TEST_F(Settlement, OrderOfDistinctHeadersIsNoDivergence) {
  record(ok("seven", "X-A: 1\r\nX-B: 2\r\n"));
  EXPECT_EQ(settle(answered(ok("seven", "X-B: 2\r\nX-A: 1\r\n"))), "");
}

TEST_F(Settlement, WhereChunksAreCutIsNoDivergence) {
  const std::string cookies = "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n";
  record(chunked("seven left", 5, cookies));
  EXPECT_EQ(settle(answered(chunked("seven left", 2, cookies))), "");
}

TEST_F(Settlement, OtherTrailersAreADivergence) {
  record(chunked("seven", 5, "", "X-Sum: 1\r\n"));
  EXPECT_EQ(settle(answered(chunked("seven", 5, "", "X-Sum: 2\r\n"))),
            "response: its trailers -> other trailers\n");
}

TEST_F(Settlement, AnswerThatWasCutOffIsNone) {
  record(ok("seven"));
  const std::string head = ok("seven").substr(0, 20);
  EXPECT_EQ(settle(answered(head, false)),
            "no response: status 200 -> an answer cut off after 20 bytes\n");
}

TEST_F(Settlement, WhyThereIsNoAnswerIsTold) {
  record(ok("seven"));
  DrivenExchange exchange = answered("", false);
  exchange.problem = "the service closed the connection";
  EXPECT_EQ(settle(exchange), "no response: status 200 -> the service closed the connection\n");
}

TEST_F(Settlement, DifferenceBeyondWhatIsKeptIsToldBySize) {
  record(ok("seven"));
  DrivenExchange exchange = answered(ok("eight"));
  exchange.answer.length = Answer::kKept + 1;
  EXPECT_EQ(settle(exchange),
            "response: " + std::to_string(ok("seven").size()) + " bytes -> 16777217 bytes\n");
}

TEST_F(Settlement, ExchangeThatWasCutOffInTheRecordingIsNotComparedAndSaidToBe) {
  record("");
  EXPECT_EQ(settle(answered(ok("seven"))), "");
  ASSERT_EQ(ledger_.notes().size(), 1u);
  EXPECT_NE(ledger_.notes()[0].find("exchange 1 is incomplete"), std::string::npos);
}

// --- Calls and draws
// ------------------------------------------------------------------------------

constexpr DrawSource kRealtime{abi::DrawKind::kClock, 0}, kGetrandom{abi::DrawKind::kRandom, 1};

class Work : public Settlement {
 protected:
  // With one call, one clock read and one random draw.
  void record_work(bool complete) {
    const auto id = recording_.begin(recording_.accept(), get("/order"));
    recording_.call({.operation = "GET /stock", .request = get("/stock"), .response = ok("7")});
    recording_.tell(event::ClockRead{.source = kRealtime.source});
    recording_.tell(event::RandomDrawn{.source = kGetrandom.source, .bytes = {1}});
    recording_.answer(id, ok("seven"));
    recording_.exchanges[id].complete = complete;
    stage();
  }
  void make_the_call() {
    matcher_->match({.context = Context::of({1}),
                     .peer = plan_->peer_at(address_of("stock:80")),
                     .protocol = event::Protocol::kHttp1,
                     .operation = "GET /stock",
                     .bytes = bytes_of(get("/stock"))});
  }
};

TEST_F(Work, AllOfItDoneAgainIsNoDivergence) {
  record_work(true);
  make_the_call();
  EXPECT_EQ(settle({{kRealtime, 1}, {kGetrandom, 1}}), "");
}

TEST_F(Work, CallThatWasNotMadeIsMissing) {
  record_work(true);
  EXPECT_EQ(settle({{kRealtime, 1}, {kGetrandom, 1}}),
            "missing call: GET /stock to stock:80 -> \n");
}

TEST_F(Work, DrawsMoreAndLessAreToldBySource) {
  record_work(true);
  make_the_call();
  EXPECT_EQ(settle({{kRealtime, 2}}),
            "extra draw: 1 × clock_gettime(CLOCK_REALTIME) -> 2 × clock_gettime(CLOCK_REALTIME)\n"
            "missing draw: 1 × getrandom -> 0 × getrandom\n");
}

TEST_F(Work, LessOfWhatWasCutOffInTheRecordingProvesNothing) {
  record_work(false);
  EXPECT_EQ(settle(DrawTally::Counts{}), "");
}

}  // namespace
}  // namespace reprise::replayer
