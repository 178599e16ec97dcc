#include "protocol/decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "protocol/transaction_log.h"

namespace reprise::protocol {
namespace {

using std::string_literals::operator""s;
using testing::ElementsAre;

// --- HTTP/1
// ---------------------------------------------------------------------------------------

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

// --- Redis
// -----------------------------------------------------------------------------------------

TEST(RespDecoderTest, CommandsArePairedWithRepliesAndNamed) {
  EXPECT_THAT(run({client("*3\r\n$5\r\nhmget\r\n$5\r\nstock\r\n$1\r\na\r\n"),
                   server("*1\r\n$2\r\n10\r\n"), client("*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n"),
                   server(":5\r\n"), client("*2\r\n$3\r\nGET\r\n$1\r\nn\r\n"), server("$-1\r\n")}),
              ElementsAre("request 1 [0,33) resp HMGET stock", "response 1 [0,12) OK",
                          "request 2 [33,54) resp INCR n", "response 2 [12,16) OK",
                          "request 3 [54,74) resp GET n", "response 3 [16,21) nil"));
}

TEST(RespDecoderTest, ErrorsAreNamedByTheirCode) {
  EXPECT_THAT(run({client("*1\r\n$4\r\nINFO\r\n*1\r\n$4\r\nEXEC\r\n*1\r\n$4\r\nTIME\r\n"),
                   server("-WRONGTYPE Operation against\r\n-MOVED 3999 127.0.0.1:6381\r\n"
                          "!10\r\nSYNTAX bad\r\n")}),
              ElementsAre("request 1 [0,14) resp INFO", "request 2 [14,28) resp EXEC",
                          "request 3 [28,42) resp TIME", "response 1 [0,30) WRONGTYPE",
                          "response 2 [30,58) MOVED", "response 3 [58,75) SYNTAX"));
}

TEST(RespDecoderTest, ConnectionSetUpIsPreludeUntilTheFirstOtherCommand) {
  EXPECT_THAT(
      run({client("*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n"
                  "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$1\r\nx\r\n"
                  "*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n*1\r\n$4\r\nPING\r\n"
                  "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n$4\r\nPING\r\n")}),
      ElementsAre("request 1 [0,22) resp HELLO (prelude)", "request 2 [22,48) resp AUTH (prelude)",
                  "request 3 [48,84) resp CLIENT SETNAME (prelude)",
                  "request 4 [84,107) resp SELECT (prelude)",
                  "request 5 [107,121) resp PING (prelude)", "request 6 [121,141) resp GET k",
                  "request 7 [141,155) resp PING"));
}

TEST(RespDecoderTest, NestedAndRareRepliesEndWhereTheyEnd) {
  const std::string replies[] = {
      "*2\r\n*1\r\n:1\r\n*0\r\n",
      "%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n$-1\r\n",
      "~2\r\n,1.5\r\n(3492890328409238509324850943850943825024385\r\n",
      "=15\r\ntxt:Some string\r\n",
      "|1\r\n+ttl\r\n:3600\r\n*2\r\n|1\r\n+x\r\n_\r\n#t\r\n+y\r\n",
      "$?\r\n;4\r\nHell\r\n;2\r\no \r\n;0\r\n",
      "*?\r\n:1\r\n%?\r\n+k\r\n$0\r\n\r\n.\r\n.\r\n",
      "*-1\r\n",
      "_\r\n",
  };
  std::string commands, stream;
  for (const std::string& reply : replies) {
    commands += "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n";
    stream += reply;
  }
  TransactionLog log;
  const auto decoder = make_decoder(log);
  const auto feed = [&](Side side, std::string_view text) {
    decoder->feed(side, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  };
  feed(Side::kClient, commands);
  feed(Side::kServer, stream);
  ASSERT_EQ(log.responses().size(), std::size(replies));
  for (std::size_t i = 0; i < std::size(replies); ++i) {
    EXPECT_EQ(log.responses()[i].response.size(), replies[i].size()) << replies[i];
    EXPECT_FALSE(log.responses()[i].push);
  }
}

TEST(RespDecoderTest, InlineCommandsAreCommands) {
  EXPECT_THAT(run({client("PING\r\nset k \"a b\"\n\r\nGET k\r\n"),
                   server("+PONG\r\n+OK\r\n$3\r\na b\r\n")}),
              ElementsAre("request 1 [0,6) resp PING (prelude)", "request 2 [6,18) resp SET k",
                          "request 3 [20,27) resp GET k", "response 1 [0,7) PONG",
                          "response 2 [7,12) OK", "response 3 [12,21) OK"));
}

TEST(RespDecoderTest, TransactionIsQueuedAndThenAnswered) {
  EXPECT_THAT(
      run({client("*1\r\n$5\r\nMULTI\r\n*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n*1\r\n$4\r\nEXEC\r\n"),
           server("+OK\r\n+QUEUED\r\n*1\r\n:1\r\n")}),
      ElementsAre("request 1 [0,15) resp MULTI", "request 2 [15,36) resp INCR n",
                  "request 3 [36,50) resp EXEC", "response 1 [0,5) OK", "response 2 [5,14) QUEUED",
                  "response 3 [14,22) OK"));
}

std::string confirmation(std::string_view kind, std::string_view channel, int left,
                         char type = '*') {
  return std::string(1, type) + "3\r\n$" + std::to_string(kind.size()) + "\r\n" +
         std::string(kind) + "\r\n$" + std::to_string(channel.size()) + "\r\n" +
         std::string(channel) + "\r\n:" + std::to_string(left) + "\r\n";
}

TEST(RespDecoderTest, SubscriptionIsAnsweredByOneConfirmationAChannelAndMessagesArePushes) {
  const std::string confirmed =
      confirmation("subscribe", "a", 1) + confirmation("subscribe", "b", 2);
  const std::string message = "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n";
  const std::string pong = "*2\r\n$4\r\npong\r\n$0\r\n\r\n";
  const std::string left =
      confirmation("unsubscribe", "a", 1) + confirmation("unsubscribe", "b", 0);
  EXPECT_THAT(
      run({client("*3\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n$1\r\nb\r\n"), server(confirmed),
           client("*1\r\n$4\r\nPING\r\n"), server(message + pong),
           client("*1\r\n$11\r\nUNSUBSCRIBE\r\n"), server(left),
           client("*2\r\n$6\r\nLRANGE\r\n$1\r\nl\r\n"), server(message)}),
      ElementsAre("request 1 [0,33) resp SUBSCRIBE a", "response 1 [0,60) OK",
                  "request 2 [33,47) resp PING", "push 1 [60,92) OK", "response 2 [92,112) OK",
                  "request 3 [47,69) resp UNSUBSCRIBE", "response 3 [112,178) OK",
                  "request 4 [69,92) resp LRANGE l", "response 4 [178,210) OK"));
}

TEST(RespDecoderTest, Resp3PushesAreNotAnswersButConfirmationsAre) {
  const std::string invalidate = ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n";
  EXPECT_THAT(run({client("*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n"), server("%1\r\n+proto\r\n:3\r\n"),
                   client("*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n"),
                   server(invalidate + confirmation("subscribe", "a", 1, '>')),
                   client("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), server(invalidate + "+v\r\n")}),
              ElementsAre("request 1 [0,22) resp HELLO (prelude)", "response 1 [0,16) OK",
                          "request 2 [22,48) resp SUBSCRIBE a", "push 1 [16,48) OK",
                          "response 2 [48,78) OK", "request 3 [48,68) resp GET k",
                          "push 2 [78,110) OK", "response 3 [110,114) v"));
}

TEST(RespDecoderTest, MonitorLinesArePushes) {
  EXPECT_THAT(
      run({client("*1\r\n$7\r\nMONITOR\r\n"), server("+OK\r\n"),
           server("+1339518083.107412 [0 127.0.0.1:6] \"get\" \"k\"\r\n"),
           client("*1\r\n$4\r\nQUIT\r\n"), server("+1339518084.2 [0 x] \"get\"\r\n+OK\r\n")}),
      ElementsAre("request 1 [0,17) resp MONITOR", "response 1 [0,5) OK",
                  "push 1 [5,51) 1339518083.107412 [0 127.0.0.1:6] \"get\" \"k\"",
                  "request 2 [17,31) resp QUIT", "push 2 [51,78) 1339518084.2 [0 x] \"get\"",
                  "response 2 [78,83) OK"));
}

TEST(RespDecoderTest, CommandsWithRepliesTurnedOffGetEmptyResponses) {
  EXPECT_THAT(run({client("*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$4\r\nSKIP\r\n"
                          "*1\r\n$4\r\nTIME\r\n*1\r\n$4\r\nPING\r\n"),
                   server("+PONG\r\n")}),
              ElementsAre("request 1 [0,37) resp CLIENT REPLY", "response 1 [0,0)",
                          "request 2 [37,51) resp TIME", "response 2 [0,0)",
                          "request 3 [51,65) resp PING", "response 3 [0,7) PONG"));
}

TEST(RespDecoderTest, UnaskedReplyIsAPush) {
  EXPECT_THAT(run({client("PING\r\n"), server("+PONG\r\n-ERR idle\r\n")}),
              ElementsAre("request 1 [0,6) resp PING (prelude)", "response 1 [0,7) PONG",
                          "push 1 [7,18) ERR"));
}

TEST(RespDecoderTest, KeysOfCommandsWithOddArgumentsAreFound) {
  EXPECT_THAT(run({client("EVAL script 1 key\r\nEVAL script 0 x\r\nXREAD COUNT 2 STREAMS s 0\r\n"
                          "XREADGROUP GROUP g c COUNT 1 BLOCK 0 NOACK STREAMS t >\r\n"
                          "OBJECT ENCODING k\r\nBITOP AND dest a b\r\n")}),
              ElementsAre("request 1 [0,19) resp EVAL key", "request 2 [19,36) resp EVAL",
                          "request 3 [36,63) resp XREAD s", "request 4 [63,119) resp XREADGROUP t",
                          "request 5 [119,138) resp OBJECT ENCODING k",
                          "request 6 [138,158) resp BITOP dest"));
}

TEST(RespDecoderTest, UnreadableReplyTurnsTheConnectionOpaque) {
  EXPECT_THAT(run({client("PING\r\n"), server("VALUE x 0 1\r\n"), client("y"), server("z"),
                   server_closes()}),
              ElementsAre("request 1 [0,6) resp PING (prelude)",
                          "opaque [6,0) after resp: not a Redis reply", "response 1 [0,13)",
                          "request 2 [6,7) opaque", "response 2 [13,14)"));
}

TEST(RespDecoderTest, NestingWithoutEndIsBounded) {
  std::string bomb;
  for (int i = 0; i < 1000; ++i) {
    bomb += "*1\r\n";
  }
  EXPECT_THAT(run({client("PING\r\n"), server(bomb), server_closes()}),
              ElementsAre("request 1 [0,6) resp PING (prelude)",
                          "opaque [6,0) after resp: nested too deeply", "response 1 [0,4000)"));
}

TEST(RespDecoderTest, ReplicationIsOpaque) {
  EXPECT_THAT(run({client("*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n"),
                   server("+FULLRESYNC x 0\r\n"), server_closes()}),
              ElementsAre("request 1 [0,30) resp PSYNC",
                          "opaque [30,0) after resp: replication stream", "response 1 [0,17)"));
}

// --- Opaque
// ----------------------------------------------------------------------------------------

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
