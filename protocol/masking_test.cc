#include "protocol/masking.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "protocol/postgresql_messages.h"

namespace reprise::protocol {
namespace {

using event::Protocol;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

std::span<const std::uint8_t> bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
std::string text(const Bytes& content) { return {content.begin(), content.end()}; }

// All that is shown of a message.
std::string shown(Message message) {
  mask(message);
  std::string all = text(message.body) + "\n" + text(message.decoded_body) + "\n";
  for (const std::string& argument : message.arguments) all += argument + "\n";
  for (const auto& [name, value] : message.headers) all += name + ": " + value + "\n";
  return all;
}
std::string shown_request(Protocol protocol, std::string_view sent) {
  return shown(parse_request(protocol, bytes(sent)));
}

Message masked_http(const std::string& headers) {
  Message message = parse_request(Protocol::kHttp1, bytes("GET / HTTP/1.1\r\n" + headers + "\r\n"));
  mask(message);
  return message;
}

TEST(MaskingTest, CredentialsInHeadersKeepTheirScheme) {
  EXPECT_THAT(masked_http("Authorization: Bearer abc\r\nproxy-authorization: Basic YTpi\r\n"
                          "X-Api-Key: abc\r\nX-Auth-Token: a b\r\nAuthorization: abc\r\n")
                  .headers,
              ElementsAre(Pair("Authorization", "Bearer ***"),
                          Pair("proxy-authorization", "Basic ***"), Pair("X-Api-Key", "***"),
                          Pair("X-Auth-Token", "***"), Pair("Authorization", "***")));
}

TEST(MaskingTest, CookiesKeepTheirNamesAndAttributes) {
  EXPECT_THAT(
      masked_http("Cookie: id=abc; lang=de;x\r\nSet-Cookie: id=abc; Path=/; HttpOnly\r\n").headers,
      ElementsAre(Pair("Cookie", "id=***; lang=***;***"),
                  Pair("Set-Cookie", "id=***; Path=/; HttpOnly")));
}

TEST(MaskingTest, HeadersThatNameARequestOrAskForASecretAreShown) {
  const Message message =
      masked_http("Host: h\r\nIdempotency-Key: 7\r\nWWW-Authenticate: Basic realm=x\r\n");
  EXPECT_THAT(message.headers, ElementsAre(Pair("Host", "h"), Pair("Idempotency-Key", "7"),
                                           Pair("WWW-Authenticate", "Basic realm=x")));
}

TEST(MaskingTest, OnlyAMessageOfWhichSomethingIsMaskedSaysSo) {
  Message plain = parse_request(Protocol::kHttp1, bytes("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_FALSE(mask(plain));
  Message secret = parse_request(Protocol::kHttp1, bytes("GET / HTTP/1.1\r\nCookie: a=b\r\n\r\n"));
  EXPECT_TRUE(mask(secret));
}

TEST(MaskingTest, PasswordsGivenToRedisAreMasked) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(masked_arguments({"auth", "abc"}), (Words{"auth", "***"}));
  EXPECT_EQ(masked_arguments({"AUTH", "ann", "abc"}), (Words{"AUTH", "ann", "***"}));
  EXPECT_EQ(masked_arguments({"HELLO", "3", "auth", "ann", "abc", "SETNAME", "x"}),
            (Words{"HELLO", "3", "auth", "ann", "***", "SETNAME", "x"}));
  EXPECT_EQ(masked_arguments({"MIGRATE", "h", "1", "k", "0", "9", "AUTH", "abc"}),
            (Words{"MIGRATE", "h", "1", "k", "0", "9", "AUTH", "***"}));
  EXPECT_EQ(masked_arguments({"MIGRATE", "h", "1", "k", "0", "9", "AUTH2", "ann", "abc"}),
            (Words{"MIGRATE", "h", "1", "k", "0", "9", "AUTH2", "ann", "***"}));
  EXPECT_EQ(masked_arguments({"CONFIG", "SET", "maxmemory", "1", "requirepass", "abc"}),
            (Words{"CONFIG", "SET", "maxmemory", "1", "requirepass", "***"}));
  EXPECT_EQ(masked_arguments({"ACL", "SETUSER", "ann", "on", ">abc", "~*"}),
            (Words{"ACL", "SETUSER", "ann", "on", ">***", "~*"}));
  const Words set = {"SET", "AUTH", "abc"};  // a key
  EXPECT_EQ(masked_arguments(set), set);
}

TEST(MaskingTest, BytesOfARedisCommandAreThoseOfItsMaskedArguments) {
  Message message = parse_request(Protocol::kResp, bytes("*2\r\n$4\r\nAUTH\r\n$7\r\npa55w0r\r\n"));
  EXPECT_TRUE(mask(message));
  EXPECT_EQ(text(message.body), "*2\r\n$4\r\nAUTH\r\n$3\r\n***\r\n");
  EXPECT_EQ(message.decoded_body, message.body);
}

TEST(MaskingTest, NothingOfALoginToPostgresIsShown) {
  using namespace pg;
  for (const std::string& sent : {message('p', z("pa55w0r")), message('p', z("md5pa55w0r")),
                                  message('p', z("SCRAM-SHA-256") + i32(9) + "n,,pa55w0r"),
                                  packet(80877102, i32(4711) + "pa55")}) {
    const std::string all = shown_request(Protocol::kPostgres, sent);
    EXPECT_THAT(all, Not(HasSubstr("pa55")));
    EXPECT_THAT(all, HasSubstr("bytes that prove who the client is"));
  }
  // A password can be guessed with what the server says, and a statement cancelled.
  for (const std::string& answer :
       {authentication(5, "pa55"), authentication(11, "r=pa55,s=pa55,i=4096"),
        authentication(12, "v=pa55") + welcome(), message('K', "pa55pa55")}) {
    EXPECT_THAT(shown(parse_response(Protocol::kPostgres, bytes(answer), "")),
                Not(HasSubstr("pa55")));
  }
}

TEST(MaskingTest, WhatElseIsSaidToPostgresIsShown) {
  Message message = parse_request(Protocol::kPostgres, bytes(pg::query("SELECT 1")));
  EXPECT_FALSE(mask(message));
  EXPECT_EQ(text(message.body), pg::query("SELECT 1"));
}

TEST(MaskingTest, ALoginThatWasCutOffIsNotShownByteForByte) {
  const std::string password = pg::message('p', pg::z("pa55w0r, which is long"));
  for (const auto& [protocol, sent] : std::vector<std::pair<Protocol, std::string>>{
           {Protocol::kPostgres, password.substr(0, 16)},
           {Protocol::kResp, "*2\r\n$4\r\nauth\r\n$30\r\npa55w0r"},
           {Protocol::kResp, "*4\r\n$3\r\nACL\r\n$7\r\nSETUSER\r\n$3\r\nann\r\n$20\r\n>pa55"}}) {
    EXPECT_THAT(shown_request(protocol, sent), Not(HasSubstr("pa55")));
  }
  EXPECT_THAT(shown_request(Protocol::kResp, "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$30\r\nabc"),
              HasSubstr("abc"));
}

}  // namespace
}  // namespace reprise::protocol
