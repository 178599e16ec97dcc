#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/decoder.h"
#include "protocol/transaction_log.h"

namespace reprise::protocol {
namespace {

using testing::ElementsAre;

std::vector<std::string> read(const Script& script) {
  TransactionLog log;
  const auto decoder = make_decoder(log, event::Protocol::kUdp);
  for (const Step& step : script) {
    if (step.kind == Step::Kind::kBytes) {
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(step.bytes.data());
      decoder->feed(step.side, std::span(bytes, step.bytes.size()));
    } else {
      decoder->end(step.side, End::kEof);
    }
  }
  return log.lines();
}

TEST(DatagramDecoderTest, ADatagramIsAMessageAndTheNextOfThePeerAnswersTheOldest) {
  EXPECT_THAT(read({client("a?"), client("b?"), server("a!!"), server("b!!")}),
              ElementsAre("request 1 [0,2) udp a?", "request 2 [2,4) udp b?", "response 1 [0,3)",
                          "response 2 [3,6)"));
}

TEST(DatagramDecoderTest, WhatNobodyAskedForBelongsToNoRequest) {
  EXPECT_THAT(
      read({server("x"), client("a?"), server("a!"), server("more"), client("b?"), server("b!")}),
      ElementsAre("request 1 [0,2) udp a?", "response 1 [1,3)", "request 2 [2,4) udp b?",
                  "response 2 [7,9)"));
}

TEST(DatagramDecoderTest, WhatIsNeverAnsweredHasAnEmptyAnswerAtTheEnd) {
  EXPECT_THAT(read({client("n:1|c"), client("\x01\x02"), client_closes()}),
              ElementsAre("request 1 [0,5) udp n:1|c", "request 2 [5,7) udp", "response 1 [0,0)",
                          "response 2 [0,0)"));
}

TEST(DatagramDecoderTest, SixteenWaitAndTheOldestGivesWay) {
  Script script;
  for (int i = 0; i < 17; ++i) script.push_back(client("n"));
  const std::vector<std::string> lines = read(script);
  ASSERT_EQ(lines.size(), 18u);
  EXPECT_EQ(lines[16], "response 1 [0,0)");
}

}  // namespace
}  // namespace reprise::protocol
