#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "protocol/decoder.h"
#include "protocol/message.h"
#include "protocol/transaction_log.h"

namespace reprise::protocol {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }
std::string text(const Bytes& bytes) { return {bytes.begin(), bytes.end()}; }

TEST(AnnotatedDecoderTest, CallsArePairedWithTheirOutcomesAndNamed) {
  EXPECT_THAT(run({client("CALL store.get 3 REPRISE/1\nkey"), server("DONE 5 REPRISE/1\nvalue"),
                   client("CALL store.put 0 REPRISE/1\n"), server("THREW 4 REPRISE/1\nfull")}),
              ElementsAre("request 1 [0,30) annotated store.get", "response 1 [0,22) DONE",
                          "request 2 [30,57) annotated store.put", "response 2 [22,44) THREW"));
}

TEST(AnnotatedDecoderTest, AnInputsTargetIsItsSource) {
  EXPECT_THAT(run({client("ENTRY orders 2 REPRISE/1\n\n\n"), server("DONE 0 REPRISE/1\n")}),
              ElementsAre("request 1 [0,27) annotated orders orders", "response 1 [0,17) DONE"));
}

TEST(AnnotatedDecoderTest, HowBytesAreCutChangesNothing) {
  const Script script = {client("CALL a 3 REPRISE/1\nxyz"), server("DONE 2 REPRISE/1\nok"),
                         client("CALL b 1 REPRISE/1\n\n"), server("MISSED 0 REPRISE/1\n")};
  const auto whole = run(script);
  for (std::size_t cut = 1; cut < size_of(script); ++cut) EXPECT_EQ(run(script, {cut}), whole) << cut;
}

TEST(AnnotatedDecoderTest, AHeadThatIsNoneTurnsTheConnectionOpaque) {
  for (const char* head : {"CALL a 3\n", "CALL a x REPRISE/1\n", "CALL a 3 REPRISE/2\n",
                           "CALL  3 REPRISE/1\n", "CALL a 99999999999999999999 REPRISE/1\n",
                           "JUMP a 3 REPRISE/1\n"}) {
    const auto lines = run({client("CALL a 0 REPRISE/1\n"), server("DONE 0 REPRISE/1\n"), client(head)});
    EXPECT_THAT(lines, testing::Contains(HasSubstr("opaque"))) << head;
  }
}

TEST(AnnotatedDecoderTest, OtherTextIsNotTakenForIt) {
  const auto lines = run({client("CALL a 3\nxyz"), server("?")});
  EXPECT_THAT(lines, testing::Contains(HasSubstr("opaque")));
}

TEST(AnnotatedMessageTest, HeadAndBodyAreTakenApart) {
  const Message call =
      parse_request(event::Protocol::kAnnotated, bytes("CALL store.get 3 REPRISE/1\nkey"));
  EXPECT_EQ(call.method, "CALL");
  EXPECT_EQ(call.target, "store.get");
  EXPECT_EQ(text(call.decoded_body), "key");
  EXPECT_EQ(call.body_problem, "");
  const Message outcome =
      parse_response(event::Protocol::kAnnotated, bytes("THREW 4 REPRISE/1\nfull"), "");
  EXPECT_EQ(outcome.status, "THREW");
  EXPECT_EQ(text(outcome.body), "full");
}

TEST(AnnotatedMessageTest, OneThatWasCutShortSaysSo) {
  const Message call = parse_request(event::Protocol::kAnnotated, bytes("CALL a 9 REPRISE/1\nkey"));
  EXPECT_EQ(text(call.body), "key");
  EXPECT_NE(call.body_problem, "");
}

TEST(AnnotatedMessageTest, OtherArgumentsAreADifferenceAndNeverARelaxedOne) {
  const auto compare = [](std::string_view a, std::string_view b) {
    return compare_requests(parse_request(event::Protocol::kAnnotated, bytes(a)),
                            parse_request(event::Protocol::kAnnotated, bytes(b)));
  };
  using Degree = RequestComparison::Degree;
  EXPECT_EQ(compare("CALL a 1 REPRISE/1\nx", "CALL a 1 REPRISE/1\nx").degree, Degree::kExact);
  const auto other = compare("CALL a 1 REPRISE/1\nx", "CALL a 1 REPRISE/1\ny");
  EXPECT_EQ(other.degree, Degree::kDifferent);
  EXPECT_EQ(other.difference, "arguments");
}

}  // namespace
}  // namespace reprise::protocol
