// However the bytes of a connection are cut into feeds, the decoder reports the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "protocol/postgresql_messages.h"
#include "protocol/transaction_log.h"

namespace reprise::protocol {
namespace {

struct Sample {
  std::string name;
  Script script;
};

// Every pair of cuts costs a run: several short connections rather than one long.
std::vector<Sample> postgres_samples() {
  using namespace pg;
  const Step start = client(startup()), welcomed = server(authentication(0) + ready());
  return {
      {"PostgresStartUp",
       {client(ssl_request()), server("N"), start,
        server(authentication(10, z("SCRAM-SHA-256") + '\0')), client(message('p', "n,,")),
        server(authentication(12, "v=1") + welcome())}},
      {"PostgresExtended",
       {start, welcomed, client(parse("s", "SELECT a FROM t") + describe_statement("s") + sync()),
        server(parse_complete() + parameters({25}) + columns({{"a"}}) + ready()),
        client(bind("", "s", {"x"}) + describe_portal() + execute() + flush()),
        server(bind_complete() + columns({{"a"}}) + row({{}}) + row({""}) + complete("SELECT 2") +
               notification("n", ""))}},
      {"PostgresErrorInAPipeline",
       {start, welcomed, client(bind("c", "s", {{}}) + execute("c", 1)),
        server(bind_complete() + row({"1"}) + message('s')),
        client(execute("c") + close_statement("s") + bind("", "gone") + execute() + parse("", "x")),
        server(complete("SELECT 0") + close_complete() + error("26000")), client(sync()),
        server(ready('E')), client(terminate()), server_closes()}},
      {"PostgresCopy",
       {start, welcomed, client(query("COPY t FROM STDIN")), server(copy_in()),
        client(copy_data("1\n") + copy_done()), server(complete("COPY 1") + ready()),
        client(query("COPY t TO STDOUT; SELECT 1")),
        server(copy_out() + copy_data("1\n") + copy_done() + complete("COPY 1") + ready())}},
      {"PostgresCopyThatFails",
       {start, welcomed, client(bind("", "") + execute() + sync()),
        server(bind_complete() + copy_in()), client(copy_data("x\n") + flush() + sync()),
        server(error("22P02")), client(copy_data("y\n") + copy_done() + sync()), server(ready()),
        client("?what is this"), server(ready()), server_closes()}},
      {"PostgresUnreadableAnswer",
       {start, welcomed, client(query("a")), server(complete("A") + "?x"), server_closes()}},
      {"PostgresTls", {client(ssl_request()), server("S"), client("\x16\x03\x01"), server("\x16")}},
  };
}

std::vector<Sample> samples() {
  return {
      {"KeepAliveAndPipelining",
       {client("\r\nGET /a?x HTTP/1.1\r\nHost: h\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: "
               "3\r\n\r\nabc"),
        server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 404\r\nContent-Length: "
               "0\r\n\r\n"),
        client("HEAD /c HTTP/1.0\n\n"), server("HTTP/1.0 200 OK\nContent-Length: 7\n\n")}},
      {"Chunked",
       {client("PUT / HTTP/1.1\r\nTransfer-Encoding:\r\n chunked\r\n\r\n2;a=b\r\nab\r\n0\r\n\r\n"),
        server("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n00\r\nT: "
               "v\r\n\r\n"),
        server_closes()}},
      {"ContinueAndEarlyResponse",
       {client("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"),
        server("HTTP/1.1 100 Continue\r\n\r\n"), client("ab"),
        server("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"), client("cd")}},
      {"CloseDelimited",
       {client("GET / HTTP/1.0\r\n\r\n"), server("HTTP/1.0 200\r\n\r\nHTTP/1.1 200"),
        server_closes()}},
      {"Upgrade",
       {client("GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n"), server("HTTP/1.1 101 Go\r\n\r\nfirst"),
        client("second"), server("third"), client_closes(), server_closes()}},
      {"UnreadableRequest",
       {client("GET / HTTP/1.1\r\n\r\nthis is not HTTP\nat all"),
        server("HTTP/1.1 204 No\r\n\r\nHTTP/1.1 400 Bad\r\n\r\n"), client("more"),
        server_closes()}},
      {"UnreadableResponse",
       {client("GET / HTTP/1.1\r\n\r\n"), server("what\nis this"), client("GET / HTTP/1.1\r\n\r\n"),
        server("x"), server_resets()}},
      {"BadChunk",
       {client("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n0\r\n\r\n"),
        server("HTTP/1.1 400 Bad\r\n\r\n"), server_closes()}},
      {"ServerFirstHttp",
       {server("HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n"), server_closes()}},
      {"RedisPipeline",
       {client("*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\nPING\r\n*0\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$"
               "4\r\na\r\nb\r\n"),
        server("%2\r\n+proto\r\n:3\r\n+x\r\n*2\r\n,1.5\r\n_\r\n+PONG\r\n|1\r\n+t\r\n:1\r\n$-1\r\n"),
        server(">2\r\n$10\r\ninvalidate\r\n*0\r\n$?\r\n;2\r\nab\r\n;0\r\n*?\r\n:1\r\n.\r\n")}},
      {"RedisSubscription",
       {client(
            "*3\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n$1\r\nb\r\nPING\r\n*1\r\n$11\r\nUNSUBSCRIBE\r\n"),
        server(
            "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n"),
        server("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nm\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n"),
        server("*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$11\r\nunsubscribe\r\n$"
               "1\r\nb\r\n:0\r\n")}},
      {"RedisMonitor",
       {client("MONITOR\r\n"), server("+OK\r\n+1.5 [0 a] \"get\"\r\n"), client("RESET\r\n"),
        server("+2.5 [0 a] \"x\"\r\n+RESET\r\n")}},
      {"RedisUnreadable",
       {client("PING\r\n*1\r\n$4\r\nPINGxx\r\nmore"), server("+PONG\r\n-ERR Protocol error\r\n"),
        server_closes()}},
      {"RedisUnreadableReply",
       {client("PING\r\n"), server("+PONG\r\n*1\r\n+a"), server("\r\n!oops\r\n")}},
      {"Opaque",
       {client("\x01\x02\x03"), server("abc"), client("\x04"), server("d"), server_closes()}},
      {"OpaqueText",
       {client("\r\nhello you"), server("HTTPish"), client("again"), server_closes()}},
      {"ServerFirst",
       {server("220 hello\r\n"), client("EHLO\r\n"), server("250\r\n"), server_closes()}},
      {"Tls", {client("\x16\x03\x01\x02 hello"), server("\x16\x03\x03 hello"), client_closes()}},
  };
}

class CutTest : public testing::TestWithParam<Sample> {};

TEST_P(CutTest, EveryCutAndEveryPairOfCutsReportsTheSame) {
  const Script& script = GetParam().script;
  const std::vector<std::string> whole = run(script);
  const std::size_t size = size_of(script);
  for (std::size_t first = 1; first < size; ++first) {
    ASSERT_EQ(run(script, {first}), whole) << "cut at " << first;
    for (std::size_t second = first + 1; second < size; second += 3) {
      ASSERT_EQ(run(script, {first, second}), whole) << "cut at " << first << " and " << second;
    }
  }
}

TEST_P(CutTest, SingleBytesReportTheSame) {
  const Script& script = GetParam().script;
  std::vector<std::size_t> cuts(size_of(script));
  std::iota(cuts.begin(), cuts.end(), 0);
  EXPECT_EQ(run(script, cuts), run(script));
}

INSTANTIATE_TEST_SUITE_P(Postgres, CutTest, testing::ValuesIn(postgres_samples()),
                         [](const auto& sample) { return sample.param.name; });
INSTANTIATE_TEST_SUITE_P(Samples, CutTest, testing::ValuesIn(samples()),
                         [](const auto& sample) { return sample.param.name; });

// Random exchanges, random cuts; the seed is fixed so that a failure comes back.
TEST(RandomCutTest, LongConnectionsReportTheSame) {
  std::mt19937 random(20240607);
  const auto upto = [&](std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound)(random);
  };
  for (int round = 0; round < 40; ++round) {
    Script script;
    for (int exchange = 0; exchange < 30; ++exchange) {
      const std::string body(upto(3000), 'b');
      const std::string length =
          "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
      const std::string padding = "X-Padding: " + std::string(upto(500), 'p') + "\r\n";
      script.push_back(client("POST /p HTTP/1.1\r\n" + padding + length));
      script.push_back(server("HTTP/1.1 200 OK\r\n" + padding + length));
    }
    std::vector<std::size_t> cuts(upto(200));
    for (std::size_t& cut : cuts) {
      cut = upto(size_of(script));
    }
    std::sort(cuts.begin(), cuts.end());
    const std::vector<std::string> whole = run(script);
    ASSERT_EQ(whole.size(), 60U);
    ASSERT_EQ(run(script, cuts), whole);
  }
}

}  // namespace
}  // namespace reprise::protocol
