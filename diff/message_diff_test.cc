#include "diff/message_diff.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "diff/text_diff.h"

namespace reprise::diff {
namespace {

std::span<const std::uint8_t> bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string listed(const Differences& differences) {
  std::string text;
  for (const Difference& difference : differences) {
    text += difference.where + " " + kind_text(difference.kind) + " " +
            (difference.base ? difference.base->text : "none") + " -> " +
            (difference.candidate ? difference.candidate->text : "none") + "\n";
  }
  return text;
}

std::string responses(const std::string& base, const std::string& candidate) {
  Differences differences;
  const auto parse = [](const std::string& text) {
    return protocol::parse_response(event::Protocol::kHttp1, bytes(text), "GET");
  };
  compare_responses(parse(base), parse(candidate), "response", differences);
  return listed(differences);
}

std::string chunk_size(std::size_t size) {
  char text[20];
  std::snprintf(text, sizeof text, "%zx", size);
  return text;
}

std::string with_body(const std::string& type, const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Type: " + type + "\r\nTransfer-Encoding: chunked\r\n\r\n" +
         chunk_size(body.size()) + "\r\n" + body + "\r\n0\r\n\r\n";
}

TEST(MessageDiff, StatusWithoutItsReason) {
  EXPECT_EQ(responses("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                      "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"),
            "response.status changed 200 -> 502\n");
}

TEST(MessageDiff, HeaderNamesHaveNoCaseAndNoOrderButEveryValueCounts) {
  EXPECT_EQ(
      responses(
          "HTTP/1.1 204 No\r\nDate: a\r\nSet-Cookie: 1\r\nSet-Cookie: 2\r\nX: y\r\n\r\n",
          "HTTP/1.1 204 No\r\nx: y\r\nset-cookie: 1\r\nSet-Cookie: 3\r\ndate: b\r\nNew: 1\r\n\r\n"),
      "response.header.Date changed a -> b\n"
      "response.header.Set-Cookie[1] changed *** -> ***\n"
      "response.header.New extra none -> 1\n");
}

TEST(MessageDiff, JsonByStructureAndNotByItsLayout) {
  EXPECT_EQ(responses(with_body("application/json", R"({"a": 1, "b": 2})"),
                      with_body("application/json", R"({"b":2,"a":1})")),
            "");
  EXPECT_EQ(responses(with_body("application/json", R"({"a": {"price": 1.10}})"),
                      with_body("application/json", R"({"a": {"price": 1.20}})")),
            "response.body.$.a.price changed 1.10 -> 1.20\n");
}

TEST(MessageDiff, TextByLine) {
  EXPECT_EQ(responses(with_body("text/plain", "one\ntwo\nthree\n"),
                      with_body("text/plain", "one\nTWO\nthree\nfour\n")),
            "response.body.line[2] changed two -> TWO\n"
            "response.body.line[4] extra none -> four\n");
}

TEST(MessageDiff, OtherBytesByOffset) {
  const std::string base = "\x01\x02\x03" + std::string(20, '\0') + "\x04\x05";
  std::string candidate = base;
  candidate[1] = 7;
  candidate[23] = 8;
  EXPECT_EQ(responses(with_body("image/png", base), with_body("image/png", candidate)),
            "response.body.byte[1] changed 02 -> 07\n"
            "response.body.byte[23] changed 04 -> 08\n");
  candidate.erase(5, 2);
  EXPECT_NE(responses(with_body("image/png", base), with_body("image/png", candidate)), "");
}

TEST(MessageDiff, JsonAgainstSomethingElseIsAnotherType) {
  EXPECT_EQ(responses(with_body("application/json", "{}"), with_body("application/json", "oops")),
            "response.body type {} -> oops\n");
}

TEST(MessageDiff, BodyThatOnlyOneHas) {
  EXPECT_EQ(responses(with_body("text/plain", "x"),
                      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: "
                      "chunked\r\n\r\n0\r\n\r\n"),
            "response.body missing x -> none\n");
}

TEST(MessageDiff, CommandsByArgument) {
  const auto parse = [](const std::string& text) {
    return protocol::parse_request(event::Protocol::kResp, bytes(text));
  };
  Differences differences;
  compare_requests(parse("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\n1\r\n"),
                   parse("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\n2\r\n"), "call[0].request",
                   differences);
  EXPECT_EQ(listed(differences), "call[0].request.argument[2] changed 1 -> 2\n");
}

TEST(MessageDiff, PasswordsAreComparedAndNotShown) {
  const auto parse = [](const std::string& password) {
    return protocol::parse_request(event::Protocol::kResp,
                                   bytes("*2\r\n$4\r\nAUTH\r\n$3\r\n" + password + "\r\n"));
  };
  Differences differences;
  compare_requests(parse("abc"), parse("abc"), "call[0].request", differences);
  EXPECT_EQ(listed(differences), "");
  compare_requests(parse("abc"), parse("def"), "call[0].request", differences);
  EXPECT_EQ(listed(differences), "call[0].request.argument[1] changed *** -> ***\n");
}

TEST(MessageDiff, RepliesThatReadTheSameAreToldApart) {
  const auto parse = [](const std::string& text) {
    return protocol::parse_response(event::Protocol::kResp, bytes(text), "GET");
  };
  Differences differences;
  compare_responses(parse(":1\r\n"), parse("$1\r\n1\r\n"), "response", differences);
  EXPECT_FALSE(differences.empty());
}

TEST(TextDiff, ManyRunsOfBytesEndInOneThatHoldsTheRest) {
  std::string base(4000, '\0'), candidate = base;
  for (std::size_t i = 0; i < candidate.size(); i += 10) candidate[i] = 1;
  Differences differences;
  compare_bytes(bytes(base), bytes(candidate), "body", differences);
  ASSERT_EQ(differences.size(), 100u);
  EXPECT_EQ(differences.back().where, "body.byte[990]");
  EXPECT_NE(differences.back().base->text.find("(3001 bytes)"), std::string::npos);
}

TEST(TextDiff, LineEndsCount) {
  Differences differences;
  compare_lines("a\nb", "a\nb\n", "body", differences);
  ASSERT_EQ(differences.size(), 1u);
  EXPECT_EQ(differences[0].where, "body.line[2]");
  EXPECT_EQ(differences[0].candidate->text, "b\n");
}

}  // namespace
}  // namespace reprise::diff
