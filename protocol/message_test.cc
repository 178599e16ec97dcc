#include "protocol/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

#include "protocol/postgresql_messages.h"

namespace reprise::protocol {
namespace {

using event::Protocol;
using testing::ElementsAre;
using testing::Pair;

std::span<const std::uint8_t> bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
std::string text(const Bytes& content) { return {content.begin(), content.end()}; }

std::string gzip(std::string_view content) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, content.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST(HttpMessageTest, RequestIsTakenApartWithHeadersAsSent) {
  const Message message =
      parse_request(Protocol::kHttp1,
                    bytes("POST /a?b HTTP/1.1\r\nhOST: h\r\nX-Fold: one\r\n\t two\r\nNo-Colon\r\n"
                          "Content-Type: Application/JSON; charset=utf-8\r\n"
                          "Content-Length: 2\r\n\r\n{}"));
  EXPECT_EQ(message.protocol, Protocol::kHttp1);
  EXPECT_EQ(message.method, "POST");
  EXPECT_EQ(message.target, "/a?b");
  EXPECT_EQ(message.version, "HTTP/1.1");
  EXPECT_THAT(message.headers,
              ElementsAre(Pair("hOST", "h"), Pair("X-Fold", "one two"), Pair("No-Colon", ""),
                          Pair("Content-Type", "Application/JSON; charset=utf-8"),
                          Pair("Content-Length", "2")));
  EXPECT_EQ(message.content_type, "application/json");
  EXPECT_EQ(text(message.body), "{}");
  EXPECT_EQ(message.body_problem, "");
  EXPECT_EQ(*message.header("Host"), "h");
  EXPECT_EQ(message.header("Absent"), nullptr);
}

TEST(HttpMessageTest, ChunksExtensionsAndTransferCodingsComeOffAndContentCodingIsDecodedApart) {
  const std::string zipped = gzip("hello");
  const std::string head =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n";
  char size[16];
  std::snprintf(size, sizeof size, "%zx;x=y\r\n", zipped.size());
  const Message message = parse_response(
      Protocol::kHttp1, bytes(head + size + zipped + "\r\n0\r\nX-Sum: 1\r\n\r\n"), "GET");
  EXPECT_EQ(text(message.body), zipped);
  EXPECT_EQ(text(message.decoded_body), "hello");
  EXPECT_THAT(message.trailers, ElementsAre(Pair("X-Sum", "1")));
  EXPECT_EQ(message.body_problem, "");

  const std::string transferred = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n" + zipped;
  EXPECT_EQ(text(parse_response(Protocol::kHttp1, bytes(transferred), "GET").body), "hello");
}

TEST(HttpMessageTest, InterimResponsesAreKeptBeforeTheFinalOne) {
  const Message message =
      parse_response(Protocol::kHttp1,
                     bytes("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n"
                           "HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nz"),
                     "POST");
  ASSERT_EQ(message.interim.size(), 2U);
  EXPECT_EQ(message.interim[0].status, "100");
  EXPECT_THAT(message.interim[1].headers, ElementsAre(Pair("Link", "x")));
  EXPECT_EQ(message.status, "200");
  EXPECT_EQ(message.reason, "");
  EXPECT_EQ(text(message.body), "z");
}

TEST(HttpMessageTest, HeadResponseHasNoBodyWhateverItsLengthSays) {
  const Message message = parse_response(
      Protocol::kHttp1, bytes("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"), "HEAD");
  EXPECT_EQ(message.body_problem, "");
  EXPECT_TRUE(message.body.empty());
}

TEST(HttpMessageTest, CutMessagesSaySo) {
  const auto problem = [](std::string_view message) {
    return parse_response(Protocol::kHttp1, bytes(message), "GET").body_problem;
  };
  EXPECT_EQ(problem("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"),
            "cut after 3 of 10 bytes of body");
  EXPECT_EQ(problem("HTTP/1.1 200 OK\r\nContent-Le"), "cut in the headers");
  EXPECT_EQ(problem("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
            "cut after 2 bytes of body");
  EXPECT_EQ(problem("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\nabc"),
            "the coding br is not known");
}

TEST(HttpMessageTest, InvalidUtf8AndDamagedGzipStayBytes) {
  const Message message = parse_response(
      Protocol::kHttp1,
      bytes("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nX: \xff\xfe\r\n\r\n\xff\xfe\x00"), "GET");
  EXPECT_EQ(message.body_problem, "gzip content is damaged");
  EXPECT_EQ(message.decoded_body, message.body);
  EXPECT_EQ(*message.header("x"), "\xff\xfe");
}

TEST(MessageTest, WhatCannotBeReadIsOpaqueBytes) {
  for (const Protocol protocol : {Protocol::kHttp1, Protocol::kResp, Protocol::kOpaque}) {
    const Message message = parse_request(protocol, bytes("\x01garbage"));
    EXPECT_EQ(message.protocol, Protocol::kOpaque);
    EXPECT_EQ(text(message.body), "\x01garbage");
    EXPECT_EQ(text(message.decoded_body), "\x01garbage");
  }
}

TEST(RespMessageTest, CommandsHaveTheirArguments) {
  const Message command =
      parse_request(Protocol::kResp, bytes("*0\r\n*3\r\n$3\r\nset\r\n$1\r\nk\r\n$4\r\na\r\nb\r\n"));
  EXPECT_EQ(command.method, "SET");
  EXPECT_EQ(command.target, "k");
  EXPECT_THAT(command.arguments, ElementsAre("set", "k", "a\r\nb"));
  const Message line = parse_request(Protocol::kResp, bytes("set k \"a \\x41\\n\" 'it\\'s'\r\n"));
  EXPECT_THAT(line.arguments, ElementsAre("set", "k", "a A\n", "it's"));
}

TEST(RespMessageTest, RepliesAreReadable) {
  const auto shown = [](std::string_view reply) {
    return text(parse_response(Protocol::kResp, bytes(reply), "").decoded_body);
  };
  EXPECT_EQ(shown("*3\r\n$1\r\na\r\n*2\r\n:1\r\n$-1\r\n*0\r\n"),
            "1) \"a\"\n2) 1) (number) 1\n   2) (nil)\n3) (empty)\n");
  EXPECT_EQ(shown("%1\r\n+k\r\n#t\r\n"), "\"k\" => (true)\n");
  EXPECT_EQ(shown("|1\r\n+ttl\r\n:1\r\n$?\r\n;2\r\nab\r\n;1\r\nc\r\n;0\r\n"), "\"abc\"\n");
  const Message error = parse_response(Protocol::kResp, bytes("-WRONGTYPE Operation\r\n"), "");
  EXPECT_EQ(error.status, "WRONGTYPE");
  EXPECT_EQ(error.reason, "WRONGTYPE Operation");
  EXPECT_EQ(parse_response(Protocol::kResp, bytes("$-1\r\n"), "").status, "nil");
}

TEST(RespMessageTest, CountsBeyondTheBytesAreNotBelieved) {
  EXPECT_EQ(parse_response(Protocol::kResp, bytes("*2147483647\r\n:1\r\n"), "").protocol,
            Protocol::kOpaque);
  EXPECT_EQ(parse_response(Protocol::kResp, bytes("$99999999999\r\nab\r\n"), "").protocol,
            Protocol::kOpaque);
  std::string bomb;
  for (int i = 0; i < 100'000; ++i) {
    bomb += "*1\r\n";
  }
  EXPECT_EQ(parse_response(Protocol::kResp, bytes(bomb), "").protocol, Protocol::kOpaque);
}

TEST(PostgresMessageTest, ParametersShowWithNullAndEmptyTextApart) {
  const Message request = parse_request(
      Protocol::kPostgres, bytes(pg::bind("", "s1", {"7", {}, "", "NULL", "it's"}) + pg::execute()),
      "SELECT a FROM t");
  EXPECT_EQ(request.method, "SELECT");
  EXPECT_EQ(request.target, "SELECT a FROM t");
  EXPECT_EQ(text(request.decoded_body), "SELECT a FROM t");
  EXPECT_THAT(request.headers, ElementsAre(Pair("$1", "'7'"), Pair("$2", "NULL"), Pair("$3", "''"),
                                           Pair("$4", "'NULL'"), Pair("$5", "'it\\'s'")));
}

TEST(PostgresMessageTest, RowsShowByTheirTypes) {
  using namespace pg;
  const std::string seven("\0\0\0\x07", 4), bytes_of_two("\x01\xff", 2);
  const Message response =
      parse_response(Protocol::kPostgres,
                     bytes(columns({{"id", 23, 1}, {"name"}, {"price", 1700}, {"raw", 17, 1}}) +
                           row({seven, "pen", "1.50", bytes_of_two}) + row({{}, "", {}, {}}) +
                           complete("SELECT 2") + ready('T')),
                     "SELECT");
  EXPECT_EQ(response.status, "SELECT 2");
  EXPECT_EQ(text(response.decoded_body),
            "id | name | price | raw\n7 | 'pen' | 1.50 | \\x01ff (binary)\n"
            "NULL | '' | NULL | NULL\nSELECT 2\n(in transaction)\n");
}

TEST(PostgresMessageTest, ErrorIsTheStatusWithItsReason) {
  const Message response =
      parse_response(Protocol::kPostgres, bytes(pg::error("23505", "twice") + pg::ready()), "");
  EXPECT_EQ(response.status, "23505");
  EXPECT_EQ(response.reason, "twice");
  EXPECT_EQ(text(response.decoded_body), "ERROR 23505: twice\n");
}

TEST(PostgresMessageTest, PasswordsDoNotShow) {
  const Message request =
      parse_request(Protocol::kPostgres, bytes(pg::message('p', pg::z("secret"))));
  EXPECT_EQ(text(request.decoded_body).find("secret"), std::string::npos);
}

TEST(PostgresMessageTest, CountsBeyondTheBytesAreNotBelieved) {
  using namespace pg;
  EXPECT_EQ(parse_response(Protocol::kPostgres, bytes(message('D', i16(0xffff))), "").decoded_body,
            event::Bytes{'\n'});
  EXPECT_EQ(parse_request(Protocol::kPostgres,
                          bytes(message('B', z("") + z("") + i16(0) + i16(0xffff) + i32(7) + "x")))
                .protocol,
            Protocol::kOpaque);
  EXPECT_EQ(parse_response(Protocol::kPostgres, bytes("C\x7f\xff\xff\xff_"), "").protocol,
            Protocol::kOpaque);
}

TEST(PostgresMessageTest, StateAndAcceptanceAreFoundInResponses) {
  using namespace pg;
  EXPECT_EQ(state_after(Protocol::kPostgres, bytes(complete("BEGIN") + ready('T'))), 'T');
  EXPECT_EQ(state_after(Protocol::kPostgres, bytes(complete("BEGIN"))), '\0');
  EXPECT_EQ(acceptance_in(Protocol::kPostgres, bytes(authentication(12, "v=1") + welcome())), 12U);
  EXPECT_FALSE(acceptance_in(Protocol::kPostgres, bytes(authentication(11, "r=1"))));
}

}  // namespace
}  // namespace reprise::protocol
