#include "protocol/decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "protocol/transaction_log.h"

namespace reprise::protocol {
namespace {

using std::string_literals::operator""s;
using testing::ElementsAre;

TEST(OpaqueDecoderTest, SidesTakeTurns) {
  EXPECT_THAT(
      run({client("\x01\x02"), client("\x03"), server("ab"), server("cd"), client("\x04"),
           client_closes(), server("ef"), server_closes()}),
      ElementsAre("opaque [0,0) after unknown: not a known protocol", "request 1 [0,3) opaque",
                  "response 1 [0,4)", "request 2 [3,4) opaque", "response 2 [4,6)"));
}

TEST(OpaqueDecoderTest, GreetingOfAServerThatSpeaksFirstIsAPush) {
  EXPECT_THAT(run({server("220 mail.example ESMTP\r\n"), client("EHLO me\r\n"),
                   server("250 ok\r\n"), client("QUIT\r\n"), server_closes()}),
              ElementsAre("opaque [0,0) after unknown: the server spoke first", "push 1 [0,24)",
                          "request 1 [0,9) opaque", "response 1 [24,32)", "request 2 [9,15) opaque",
                          "response 2 [32,32)"));
}

TEST(OpaqueDecoderTest, HalfCloseEndsTheRequest) {
  EXPECT_THAT(run({client("hello"), client_closes(), server("bye"), server_closes()}),
              ElementsAre("opaque [0,0) after unknown: it ended before it could be told",
                          "request 1 [0,5) opaque", "response 1 [0,3)"));
}

TEST(OpaqueDecoderTest, ResetEndsNothing) {
  EXPECT_THAT(run({client("\x01"), server("ab"), server_resets()}),
              ElementsAre("opaque [0,0) after unknown: not a known protocol",
                          "request 1 [0,1) opaque", "response 1 [0,"));
}

TEST(OpaqueDecoderTest, TextWithoutALineEndIsARequestOnceTheServerAnswers) {
  EXPECT_THAT(
      run({client("hello"), server("world"), client("again"), server("w"), server_closes()}),
      ElementsAre("opaque [0,0) after unknown: the server spoke first", "request 1 [0,5) opaque",
                  "response 1 [0,5)", "request 2 [5,10) opaque", "response 2 [5,6)"));
}

TEST(OpaqueDecoderTest, ConnectionWithoutBytesSaysNothing) {
  EXPECT_THAT(run({client_closes(), server_closes()}), ElementsAre());
}

TEST(DetectionTest, ProtocolsThatAreNotDecodedAreNamed) {
  EXPECT_THAT(run({client("\x16\x03\x01\x02\x00\x01"s)}),
              ElementsAre("opaque [0,0) after unknown: tls", "request 1 [0,"));
  EXPECT_THAT(run({client("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")}),
              ElementsAre("opaque [0,0) after unknown: http/2", "request 1 [0,"));
}

TEST(DetectionTest, MemcachedAndHttp09AreNotTakenForRedis) {
  EXPECT_THAT(run({client("get key\r\n"), server("END\r\n"), server_closes()}),
              ElementsAre("opaque [0,0) after unknown: not a known protocol",
                          "request 1 [0,9) opaque", "response 1 [0,5)"));
  EXPECT_THAT(run({client("GET /index.html\r\n"), server("<html>"), server_closes()}),
              ElementsAre("opaque [0,0) after unknown: not a known protocol",
                          "request 1 [0,17) opaque", "response 1 [0,6)"));
}

TEST(DetectionTest, ProtocolThatIsKnownIsNotFoundOut) {
  TransactionLog log;
  const auto decoder = make_decoder(log, event::Protocol::kOpaque);
  const std::string_view text = "GET / HTTP/1.1\r\n\r\n";
  decoder->feed(Side::kClient, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  EXPECT_EQ(decoder->protocol(), event::Protocol::kOpaque);
  EXPECT_THAT(log.lines(),
              ElementsAre("opaque [0,0) after unknown: known to be opaque", "request 1 [0,"));
}

TEST(DecoderTest, RequestsBeyondTheBoundTurnTheConnectionOpaqueInsteadOfFillingMemory) {
  std::string requests;
  for (int i = 0; i < 140'000; ++i) {
    requests += "PING\r\n";
  }
  TransactionLog log;
  const auto decoder = make_decoder(log);
  decoder->feed(Side::kClient,
                {reinterpret_cast<const std::uint8_t*>(requests.data()), requests.size()});
  EXPECT_EQ(decoder->protocol(), event::Protocol::kOpaque);
  EXPECT_EQ(log.requests().size(), std::size_t{1} << 17);
}

}  // namespace
}  // namespace reprise::protocol
