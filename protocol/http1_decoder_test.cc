#include "protocol/decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "protocol/transaction_log.h"

namespace reprise::protocol {
namespace {

using testing::ElementsAre;

TEST(HttpDecoderTest, KeepAliveExchangesFollowOneAnother) {
  EXPECT_THAT(run({client("GET /a?x=1 HTTP/1.1\r\nHost: h\r\n\r\n"),
                   server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
                   client("POST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"),
                   server("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")}),
              ElementsAre("request 1 [0,32) http GET /a /a?x=1", "response 1 [0,40) 200",
                          "request 2 [32,74) http POST /b /b", "response 2 [40,85) 404"));
}

TEST(HttpDecoderTest, FivePipelinedRequestsAreAnsweredInOrder) {
  std::string requests, responses;
  for (int i = 0; i < 5; ++i) {
    requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\n\r\n";
    responses += "HTTP/1.1 20" + std::to_string(i) + " OK\r\nContent-Length: 0\r\n\r\n";
  }
  EXPECT_THAT(run({client(requests), server(responses)}),
              ElementsAre("request 1 [0,19) http GET /0 /0", "request 2 [19,38) http GET /1 /1",
                          "request 3 [38,57) http GET /2 /2", "request 4 [57,76) http GET /3 /3",
                          "request 5 [76,95) http GET /4 /4", "response 1 [0,38) 200",
                          "response 2 [38,76) 201", "response 3 [76,114) 202",
                          "response 4 [114,152) 203", "response 5 [152,190) 204"));
}

TEST(HttpDecoderTest, BodyLookingLikeARequestIsBody) {
  EXPECT_THAT(run({client("POST / HTTP/1.1\r\nContent-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n")}),
              ElementsAre("request 1 [0,57) http POST / /"));
}

TEST(HttpDecoderTest, ChunkedBodyWithExtensionsAndTrailersEndsAfterItsTrailers) {
  EXPECT_THAT(
      run({client("GET / HTTP/1.1\r\n\r\n"),
           server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "5;name=\"v\"\r\nhello\r\n0A \r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n"
                  "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")}),
      ElementsAre("request 1 [0,18) http GET / /", "response 1 [0,98) 200", "push 1 [98,149) 408"));
}

TEST(HttpDecoderTest, ContinueBelongsToTheResponseThatFollows) {
  EXPECT_THAT(run({client("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"),
                   server("HTTP/1.1 100 Continue\r\n\r\n"), client("ab"),
                   server("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
                   server("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")}),
              ElementsAre("request 1 [0,62) http POST / /", "response 1 [0,108) 201"));
}

TEST(HttpDecoderTest, ResponsesWithoutABodyIgnoreTheirContentLength) {
  EXPECT_THAT(run({client("HEAD / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
                   server("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
                   server("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"),
                   server("HTTP/1.1 204 No Content\r\n\r\n")}),
              ElementsAre("request 1 [0,19) http HEAD / /", "request 2 [19,37) http GET / /",
                          "request 3 [37,55) http GET / /", "response 1 [0,38) 200",
                          "response 2 [38,86) 304", "response 3 [86,113) 204"));
}

TEST(HttpDecoderTest, CloseDelimitedBodyEndsWithTheConnection) {
  const Script script = {client("GET / HTTP/1.0\r\n\r\n"), server("HTTP/1.0 200 OK\r\n\r\nbody")};
  Script closed = script, reset = script;
  closed.push_back(server_closes());
  reset.push_back(server_resets());
  EXPECT_THAT(run(closed), ElementsAre("request 1 [0,18) http GET / /", "response 1 [0,23) 200"));
  EXPECT_THAT(run(reset), ElementsAre("request 1 [0,18) http GET / /", "response 1 [0,"));
}

TEST(HttpDecoderTest, AnyMethodTokenIsAMethod) {
  EXPECT_THAT(run({client("PURGE /x HTTP/1.1\r\n\r\nQUERY /y HTTP/1.1\r\nContent-Length: 1\r\n\r\nq"
                          "M-SEARCH * HTTP/1.1\r\n\r\n")}),
              ElementsAre("request 1 [0,21) http PURGE /x /x", "request 2 [21,62) http QUERY /y /y",
                          "request 3 [62,85) http M-SEARCH * *"));
}

TEST(HttpDecoderTest, StatusLineNeedsNoReasonAndNoBlankBeforeIt) {
  EXPECT_THAT(run({client("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
                   server("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"),
                   server("HTTP/1.1 500 \r\nContent-Length: 0\r\n\r\n")}),
              ElementsAre("request 1 [0,18) http GET / /", "request 2 [18,36) http GET / /",
                          "response 1 [0,35) 200", "response 2 [35,71) 500"));
}

TEST(HttpDecoderTest, BareLineFeedsAndEmptyLinesBeforeARequestAreTolerated) {
  EXPECT_THAT(
      run({client("\r\n\r\nGET /a HTTP/1.1\nContent-Length: 2\n\nhi\r\nGET /b HTTP/1.1\n\n")}),
      ElementsAre("request 1 [4,41) http GET /a /a", "request 2 [43,60) http GET /b /b"));
}

TEST(HttpDecoderTest, FoldedContentLengthIsRead) {
  EXPECT_THAT(run({client("POST / HTTP/1.1\r\nContent-Length:\r\n 3\r\n\r\nabc")}),
              ElementsAre("request 1 [0,43) http POST / /"));
}

TEST(HttpDecoderTest, EqualContentLengthsAreOne) {
  EXPECT_THAT(
      run({client("POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3, 3\r\n\r\nabc")}),
      ElementsAre("request 1 [0,63) http POST / /"));
}

TEST(HttpDecoderTest, ContradictingContentLengthsTurnTheRequestOpaque) {
  EXPECT_THAT(run({client("POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc"),
                   server("HTTP/1.1 400 Bad Request\r\n\r\n"), server_closes()}),
              ElementsAre("opaque [0,0) after http: Content-Length fields contradict each other",
                          "request 1 [0,60) opaque", "response 1 [0,28)"));
}

TEST(HttpDecoderTest, TransferCodingOverridesContentLength) {
  EXPECT_THAT(
      run({client("POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "1\r\nx\r\n0\r\n\r\n")}),
      ElementsAre("request 1 [0,77) http POST / /"));
}

TEST(HttpDecoderTest, ResponseBeforeTheRequestIsWholeLeavesTheRequestToEnd) {
  EXPECT_THAT(run({client("POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nab"),
                   server("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"), client("cd"),
                   client("GET / HTTP/1.1\r\n\r\n"), server("HTTP/1.1 204 No\r\n\r\n")}),
              ElementsAre("response 1 [0,45) 413", "request 1 [0,42) http POST / /",
                          "request 2 [42,60) http GET / /", "response 2 [45,64) 204"));
}

TEST(HttpDecoderTest, ResponseNobodyAskedForIsAPush) {
  EXPECT_THAT(
      run({server("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"), server_closes()}),
      ElementsAre("push 1 [0,51) 408"));
}

TEST(HttpDecoderTest, TimeoutAfterHalfARequestLineAnswersIt) {
  EXPECT_THAT(
      run({client("GET / HT"), server("HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n")}),
      ElementsAre("response 1 [0,43) 408", "request 1 [0,"));
}

TEST(HttpDecoderTest, SwitchingProtocolsTurnsTheConnectionOpaqueBehindBothHeads) {
  EXPECT_THAT(run({client("GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"),
                   server("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nhello"),
                   client("frame"), server("answer"), server_closes()}),
              ElementsAre("request 1 [0,40) http GET /ws /ws", "response 1 [0,56) 101",
                          "opaque [40,56) after http: 101 Switching Protocols", "push 1 [56,61)",
                          "request 2 [40,45) opaque", "response 2 [61,67)"));
}

TEST(HttpDecoderTest, ConnectOpensATunnelAndIsAPrelude) {
  EXPECT_THAT(run({client("CONNECT h:443 HTTP/1.1\r\n\r\n"), server("HTTP/1.1 200 OK\r\n\r\n"),
                   client("\x16\x03\x01hello"), server("\x16\x03\x03")}),
              ElementsAre("request 1 [0,26) http CONNECT h:443 h:443 (prelude)",
                          "response 1 [0,19) 200", "opaque [26,19) after http: CONNECT tunnel",
                          "request 2 [26,34) opaque", "response 2 [19,"));
}

TEST(HttpDecoderTest, RefusedConnectStaysHttp) {
  EXPECT_THAT(run({client("CONNECT h:443 HTTP/1.1\r\n\r\n"),
                   server("HTTP/1.1 407 Auth\r\nContent-Length: 0\r\n\r\n"),
                   client("GET / HTTP/1.1\r\n\r\n")}),
              ElementsAre("request 1 [0,26) http CONNECT h:443 h:443 (prelude)",
                          "response 1 [0,40) 407", "request 2 [26,44) http GET / /"));
}

TEST(HttpDecoderTest, UnreadableRequestLeavesEarlierResponsesReadable) {
  EXPECT_THAT(
      run({client("GET /a HTTP/1.1\r\n\r\n\x01\x02 garbage\n more"),
           server("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 400 Bad\r\n\r\n"),
           server_closes()}),
      ElementsAre("request 1 [0,19) http GET /a /a",
                  "opaque [19,0) after http: not an HTTP/1 request line", "response 1 [0,39) 200",
                  "request 2 [19,35) opaque", "response 2 [39,59)"));
}

TEST(HttpDecoderTest, UnreadableRequestDuringAResponseDoesNotCutIt) {
  EXPECT_THAT(
      run({client("GET /a HTTP/1.1\r\n\r\n"), server("HTTP/1.1 200 OK\r\nContent-Len"),
           client("garbage\n"), client("more"), server("gth: 1\r\n\r\nxanswer"), server_closes()}),
      ElementsAre("request 1 [0,19) http GET /a /a",
                  "opaque [19,28) after http: not an HTTP/1 request line", "response 1 [0,39) 200",
                  "request 2 [19,31) opaque", "response 2 [39,45)"));
}

TEST(HttpDecoderTest, UnreadableResponseTurnsBothSidesOpaque) {
  EXPECT_THAT(run({client("GET /a HTTP/1.1\r\n\r\n"), server("ICY 200 OK\r\n\r\nmusic"),
                   client("GET /b HTTP/1.1\r\n\r\n"), server("more"), server_closes()}),
              ElementsAre("request 1 [0,19) http GET /a /a",
                          "opaque [19,0) after http: not an HTTP/1 status line",
                          "response 1 [0,19)", "request 2 [19,38) opaque", "response 2 [19,23)"));
}

TEST(HttpDecoderTest, ChunkSizeThatOverflowsIsUnreadable) {
  EXPECT_THAT(run({client("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                          "fffffffffffffffff\r\n")}),
              ElementsAre("opaque [0,0) after http: not a chunk size", "request 1 [0,"));
}

TEST(HttpDecoderTest, FirstLineLongerThanTheBoundIsOpaqueHoweverItComes) {
  const Script script = {client("GET /" + std::string(70'000, 'a') + " HTTP/1.1\r\n\r\n")};
  EXPECT_THAT(run(script),
              ElementsAre("opaque [0,0) after unknown: the first line is longer than 64 KiB",
                          "request 1 [0,"));
  EXPECT_EQ(run(script, {1, 40'000, 65'540, 70'010}), run(script));
}

TEST(HttpDecoderTest, LongHeaderLineIsNoObstacle) {
  EXPECT_THAT(run({client("GET / HTTP/1.1\r\nCookie: " + std::string(200'000, 'c') +
                          "\r\nContent-Length: 1\r\n\r\nx")},
                  {100, 100'000, 200'030}),
              ElementsAre("request 1 [0,200048) http GET / /"));
}

TEST(HttpDecoderTest, UnseenBytesInsideABodyAreNoLoss) {
  TransactionLog log;
  const auto decoder = make_decoder(log);
  const auto feed = [&](Side side, std::string_view text) {
    decoder->feed(side, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  };
  feed(Side::kClient, "GET /file HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n");
  feed(Side::kServer, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n");
  decoder->skip(Side::kServer, 1'000'000'000'000);
  feed(Side::kServer, "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_THAT(log.lines(),
              ElementsAre("request 1 [0,22) http GET /file /file", "request 2 [22,40) http GET / /",
                          "response 1 [0,1000000000050) 200",
                          "response 2 [1000000000050,1000000000077) 204"));
}

TEST(HttpDecoderTest, UnseenBytesInAHeadTurnTheConnectionOpaque) {
  TransactionLog log;
  const auto decoder = make_decoder(log);
  const std::string_view text = "GET / HTTP/1.1\r\nHost: ";
  decoder->feed(Side::kClient, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  decoder->skip(Side::kClient, 10);
  decoder->end(Side::kClient, End::kEof);
  EXPECT_THAT(log.lines(), ElementsAre("opaque [22,0) after http: bytes were not seen",
                                       "request 1 [0,32) opaque"));
}

TEST(HttpDecoderTest, OperationIsMethodAndPathWithoutOriginAndQuery) {
  EXPECT_THAT(run({client("GET http://h:80/p/q?r=/s HTTP/1.1\r\n\r\nGET http://h?q HTTP/1.1\r\n\r\n"
                          "GET /go?to=http://x/ HTTP/1.1\r\n\r\n")}),
              ElementsAre("request 1 [0,37) http GET /p/q http://h:80/p/q?r=/s",
                          "request 2 [37,64) http GET / http://h?q",
                          "request 3 [64,97) http GET /go /go?to=http://x/"));
}

}  // namespace
}  // namespace reprise::protocol
