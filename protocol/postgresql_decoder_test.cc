// PostgreSQL on a connection: what is one request, what answers it, what answers nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "protocol/decoder.h"
#include "protocol/postgresql_messages.h"
#include "protocol/transaction_log.h"

namespace reprise::protocol {
namespace {

using namespace pg;
using std::string_literals::operator""s;
using testing::ElementsAre;
using testing::HasSubstr;

// What is said of `script` after a start-up, without offsets.
std::vector<std::string> said(const Script& script) {
  Script whole = {client(startup()), server(welcome())};
  whole.insert(whole.end(), script.begin(), script.end());
  std::vector<std::string> lines;
  for (const std::string& line : run(whole)) {
    const std::size_t begin = line.find('[');
    const std::size_t end = line.find_first_of(")", begin);
    const std::string kept = begin == std::string::npos || end == std::string::npos
                                 ? line
                                 : line.substr(0, begin - 1) + line.substr(end + 1);
    lines.push_back(kept);
  }
  EXPECT_GE(lines.size(), 2U);
  lines.erase(lines.begin(), lines.begin() + 2);
  return lines;
}

TEST(PostgresDecoderTest, ConnectionWithoutEncryptionStartsUp) {
  EXPECT_THAT(run({client(ssl_request()), server("N"), client(startup()), server(welcome())}),
              ElementsAre("request 1 [0,8) postgres SSLREQUEST (prelude)", "response 1 [0,1) N",
                          "request 2 [8,40) postgres STARTUP ann@shop (prelude)",
                          "response 2 [1,47) idle"));
}

TEST(PostgresDecoderTest, EncryptionIsOpaqueFromItsBeginning) {
  EXPECT_THAT(run({client(ssl_request()), server("S"), client("\x16\x03\x01 hello"),
                   server("\x16\x03\x03 hello"), server_closes()}),
              ElementsAre("request 1 [0,8) postgres SSLREQUEST (prelude)", "response 1 [0,1) S",
                          "opaque [8,1) after postgres: tls", "request 2 [8,17) opaque",
                          "response 2 [1,10)"));
}

// TLS that was recorded in the clear.
TEST(PostgresDecoderTest, StartsUpUnderEncryption) {
  EXPECT_THAT(run({client(ssl_request()), server("S"), client(startup()), server(welcome())}),
              ElementsAre("request 1 [0,8) postgres SSLREQUEST (prelude)", "response 1 [0,1) S",
                          "request 2 [8,40) postgres STARTUP ann@shop (prelude)",
                          "response 2 [1,47) idle"));
}

TEST(PostgresDecoderTest, ServerThatKnowsNoEncryptionMaySendAnError) {
  EXPECT_THAT(
      run({client(ssl_request()), server(error("08P01")), server_closes()}),
      ElementsAre("request 1 [0,8) postgres SSLREQUEST (prelude)", "response 1 [0,24) 08P01"));
}

TEST(PostgresDecoderTest, EachStepOfAuthenticationIsARequest) {
  EXPECT_THAT(
      run({client(startup()), server(authentication(10, z("SCRAM-SHA-256") + '\0')),
           client(message('p', z("SCRAM-SHA-256") + i32(3) + "n,,")),
           server(authentication(11, "r=1")), client(message('p', "c=1")),
           server(authentication(12, "v=1") + welcome())}),
      ElementsAre("request 1 [0,32) postgres STARTUP ann@shop (prelude)", "response 1 [0,24) SASL",
                  "request 2 [32,58) postgres AUTH (prelude)", "response 2 [24,36) SASL, continued",
                  "request 3 [58,66) postgres AUTH (prelude)", "response 3 [36,94) idle"));
}

TEST(PostgresDecoderTest, CancelIsAnsweredByNothing) {
  EXPECT_THAT(run({client(packet(80877102, i32(4711) + i32(42))), server_closes()}),
              ElementsAre("request 1 [0,16) postgres CANCEL (prelude)", "response 1 [0,0)"));
}

TEST(PostgresDecoderTest, KafkaIsNotTakenForPostgres) {
  EXPECT_THAT(run({client("\0\0\0\x16\0\x03\0\0\0\0\0\x01\0\x01"s)}),
              ElementsAre("opaque [0,0) after unknown: not a known protocol", "request 1 [0,"));
}

TEST(PostgresDecoderTest, QueryWithSeveralResultsIsOneRequest) {
  EXPECT_THAT(said({client(query("SELECT a FROM t; SELECT 1")),
                    server(columns({{"a"}}) + row({"x"}) + complete("SELECT 1") + columns({{"b"}}) +
                           row({"1"}) + complete("SELECT 1") + ready())}),
              ElementsAre("request 2 postgres SELECT t; SELECT SELECT a FROM t; SELECT 1",
                          "response 2 SELECT 1"));
}

TEST(PostgresDecoderTest, ErrorIsTheStatus) {
  EXPECT_THAT(said({client(query("SELEC")), server(error("42601") + ready())}),
              ElementsAre("request 2 postgres SELEC SELEC", "response 2 42601"));
}

TEST(PostgresDecoderTest, ExecutionIsNamedByTheTextThatWasPrepared) {
  EXPECT_THAT(
      said({client(parse("s1", "SELECT a FROM t WHERE b = $1") + sync()),
            server(parse_complete() + ready()),
            client(bind("", "s1", {"x"}) + describe_portal() + execute() + sync()),
            server(bind_complete() + columns({{"a"}}) + row({"y"}) + complete("SELECT 1") +
                   ready())}),
      ElementsAre("request 2 postgres PARSE SELECT a FROM t WHERE b = $1 (prelude)",
                  "request 3 postgres SYNC (prelude)", "response 2 OK", "response 3 idle",
                  "request 4 postgres SELECT t SELECT a FROM t WHERE b = $1",
                  "request 5 postgres SYNC (prelude)", "response 4 SELECT 1", "response 5 idle"));
}

TEST(PostgresDecoderTest, ErrorPassesOverEverythingUpToTheSync) {
  EXPECT_THAT(said({client(parse("", "INSERT INTO a VALUES (1)") + bind("", "") + execute() +
                           parse("", "INSERT INTO b VALUES (1)") + bind("", "") + execute()),
                    server(parse_complete() + bind_complete() + error("23505")),
                    client(bind("", "") + execute() + sync()), server(ready())}),
              ElementsAre("request 2 postgres PARSE INSERT INTO a VALUES (1) (prelude)",
                          "request 3 postgres INSERT a INSERT INTO a VALUES (1)",
                          "request 4 postgres PARSE INSERT INTO b VALUES (1) (prelude)",
                          "request 5 postgres INSERT b INSERT INTO b VALUES (1)", "response 2 OK",
                          "response 3 23505", "response 4", "response 5",
                          "request 6 postgres INSERT b INSERT INTO b VALUES (1)", "response 6",
                          "request 7 postgres SYNC (prelude)", "response 7 idle"));
}

TEST(PostgresDecoderTest, CursorIsReadInPieces) {
  EXPECT_THAT(said({client(parse("", "SELECT a FROM t") + bind("c", "") + flush()),
                    server(parse_complete() + bind_complete()), client(execute("c", 1) + flush()),
                    server(row({"1"}) + message('s')), client(execute("c", 1) + sync()),
                    server(row({"2"}) + complete("SELECT 1") + ready('T')), client(terminate())}),
              ElementsAre("request 2 postgres PARSE SELECT a FROM t (prelude)",
                          "request 3 postgres BIND SELECT a FROM t", "response 2 OK",
                          "response 3 OK", "request 4 postgres SELECT t SELECT a FROM t",
                          "response 4 suspended", "request 5 postgres SELECT t SELECT a FROM t",
                          "request 6 postgres SYNC (prelude)", "response 5 SELECT 1",
                          "response 6 in transaction"));
}

TEST(PostgresDecoderTest, DataOfACopyAreARequestOfTheirOwn) {
  EXPECT_THAT(said({client(query("COPY t FROM STDIN")), server(copy_in()),
                    client(copy_data("1\n") + copy_data("2\n") + copy_done()),
                    server(complete("COPY 2") + ready())}),
              ElementsAre("request 2 postgres COPY t COPY t FROM STDIN", "response 2 COPY IN",
                          "request 3 postgres COPY t DATA COPY t FROM STDIN", "response 3 COPY 2"));
}

TEST(PostgresDecoderTest, SyncBehindTheExecuteOfACopyIsAnsweredByNothing) {
  EXPECT_THAT(
      said({client(parse("", "COPY t FROM STDIN") + bind("", "") + execute() + sync()),
            server(parse_complete() + bind_complete() + copy_in()),
            client(copy_data("1\n") + copy_done() + sync()), server(complete("COPY 1") + ready())}),
      ElementsAre("request 2 postgres PARSE COPY t FROM STDIN (prelude)",
                  "request 3 postgres COPY t COPY t FROM STDIN",
                  "request 4 postgres SYNC (prelude)", "response 2 OK", "response 3 COPY IN",
                  "response 4", "request 5 postgres COPY t DATA COPY t FROM STDIN",
                  "request 6 postgres SYNC (prelude)", "response 5 COPY 1", "response 6 idle"));
}

TEST(PostgresDecoderTest, CopyThatFailsOnTheWayIsAnsweredEarly) {
  EXPECT_THAT(said({client(query("COPY t FROM STDIN")), server(copy_in()), client(copy_data("1\n")),
                    server(error("22P02") + ready()), client(copy_data("2\n")), client(copy_done()),
                    client(query("SELECT 1")), server(complete("SELECT 1") + ready())}),
              ElementsAre("request 2 postgres COPY t COPY t FROM STDIN", "response 2 COPY IN",
                          "response 3 22P02", "request 3 postgres COPY t DATA COPY t FROM STDIN",
                          "request 4 postgres SELECT SELECT 1", "response 4 SELECT 1"));
}

TEST(PostgresDecoderTest, CopyOutIsAnAnswer) {
  EXPECT_THAT(
      said({client(query("COPY t TO STDOUT")),
            server(copy_out() + copy_data("1\n") + copy_done() + complete("COPY 1") + ready())}),
      ElementsAre("request 2 postgres COPY t COPY t TO STDOUT", "response 2 COPY 1"));
}

TEST(PostgresDecoderTest, WhatNobodyAskedForIsAPush) {
  EXPECT_THAT(said({client(query("LISTEN orders")), server(complete("LISTEN") + ready()),
                    server(notification("orders", "7")), server(notice("hello")),
                    server(error("57P01")), server_closes()}),
              ElementsAre("request 2 postgres LISTEN orders LISTEN orders", "response 2 LISTEN",
                          "push 1 NOTIFY orders", "push 2", "push 3 57P01"));
}

TEST(PostgresDecoderTest, SetUpIsAPreludeUntilThereIsWork) {
  EXPECT_THAT(said({client(query("SET a TO 1")), server(complete("SET") + ready()),
                    client(query("DELETE FROM t")), server(complete("DELETE 0") + ready()),
                    client(query("SET a TO 1")), server(complete("SET") + ready())}),
              ElementsAre("request 2 postgres SET a SET a TO 1 (prelude)", "response 2 SET",
                          "request 3 postgres DELETE t DELETE FROM t", "response 3 DELETE 0",
                          "request 4 postgres SET a SET a TO 1", "response 4 SET"));
}

TEST(PostgresDecoderTest, SetUpThatFailsIsNoPrelude) {
  TransactionLog log;
  const auto decoder = make_decoder(log, event::Protocol::kPostgres);
  const auto feed = [&](Side side, std::string_view text) {
    decoder->feed(side, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  };
  feed(Side::kClient, parse("", "SELEC"));
  feed(Side::kServer, error("42601"));
  ASSERT_EQ(log.responses().size(), 1U);
  EXPECT_TRUE(log.requests()[0].prelude);
  EXPECT_FALSE(log.responses()[0].prelude);
}

TEST(PostgresDecoderTest, ReplicationIsOpaque) {
  EXPECT_THAT(said({client(query("START_REPLICATION 0/0")), server(message('W', "\0\0\0"s)),
                    client("xyz"), server("abc"), server_closes()}),
              testing::Contains(HasSubstr("after postgres: replication stream")));
}

TEST(PostgresDecoderTest, MiddleOfAConnectionIsReadWithoutItsStartUp) {
  TransactionLog log;
  const auto decoder = make_decoder(log, event::Protocol::kPostgres);
  const std::string text = bind("", "s1") + execute() + sync();
  decoder->feed(Side::kClient, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  EXPECT_THAT(log.lines(), ElementsAre("request 1 [0,25) postgres EXECUTE",
                                       "request 2 [25,30) postgres SYNC (prelude)"));
}

TEST(PostgresDecoderTest, NamesBeyondTheBoundCostNoMemory) {
  TransactionLog log;
  const auto decoder = make_decoder(log, event::Protocol::kPostgres);
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += parse("s" + std::to_string(i), "SELECT a FROM t");
  text += bind("", "s9999") + execute() + bind("", "s7") + execute();
  decoder->feed(Side::kClient, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  ASSERT_EQ(log.requests().size(), 10'002U);
  EXPECT_EQ(log.requests()[10'000].operation, "EXECUTE");
  EXPECT_EQ(log.requests()[10'001].operation, "SELECT t");
}

}  // namespace
}  // namespace reprise::protocol
