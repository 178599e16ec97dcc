#include "protocol/decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "protocol/transaction_log.h"

namespace reprise::protocol {
namespace {

using testing::ElementsAre;

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

}  // namespace
}  // namespace reprise::protocol
