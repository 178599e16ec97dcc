#include <gtest/gtest.h>

#include <string>

#include "protocol/message.h"
#include "protocol/postgresql_messages.h"

namespace reprise::protocol {
namespace {

using event::Protocol;
using Degree = RequestComparison::Degree;

RequestComparison compare(Protocol protocol, std::string_view a, std::string_view b) {
  const auto parse = [&](std::string_view text) {
    return parse_request(protocol,
                         {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  };
  return compare_requests(parse(a), parse(b));
}

// Requests that differ in header lines and bodies only.
RequestComparison compare_http(const std::string& a, const std::string& b,
                               const std::string& body_a = "", const std::string& body_b = "") {
  const auto request = [](const std::string& headers, const std::string& body) {
    return "POST /p HTTP/1.1\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  };
  return compare(Protocol::kHttp1, request(a, body_a), request(b, body_b));
}

void expect_relaxed(const RequestComparison& comparison, std::string_view difference) {
  EXPECT_EQ(comparison.degree, Degree::kRelaxed) << comparison.difference;
  EXPECT_EQ(comparison.difference, difference);
}
void expect_different(const RequestComparison& comparison, std::string_view difference) {
  EXPECT_EQ(comparison.degree, Degree::kDifferent);
  EXPECT_EQ(comparison.difference, difference);
}

TEST(CompareRequestsTest, OrderAndCaseOfDistinctHeaderNamesAreNotContent) {
  const RequestComparison same = compare_http("A: 1\r\nB: 2\r\n", "b:2\r\na: 1 \r\n");
  EXPECT_EQ(same.degree, Degree::kExact);
  EXPECT_EQ(same.difference, "");
}

TEST(CompareRequestsTest, OrderOfValuesOfOneNameIsContent) {
  expect_different(compare_http("A: 1\r\nA: 2\r\n", "A: 2\r\nA: 1\r\n"), "header A");
}

TEST(CompareRequestsTest, HowABodyIsCutIntoChunksIsNotContent) {
  const std::string head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(compare(Protocol::kHttp1, head + "4\r\nabcd\r\n0\r\n\r\n",
                    head + "2;x\r\nab\r\n02\r\ncd\r\n0\r\n\r\n")
                .degree,
            Degree::kExact);
}

TEST(CompareRequestsTest, ChunkedInsteadOfALengthIsRelaxed) {
  expect_relaxed(
      compare(Protocol::kHttp1, "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab",
              "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"),
      "header Content-Length");
}

TEST(CompareRequestsTest, TraceHopAndDateHeadersAreRelaxed) {
  for (const std::string name : {"traceparent", "tracestate", "X-B3-TraceId", "b3", "X-Request-Id",
                                 "Connection", "Keep-Alive", "Date", "X-Datadog-Parent-Id"}) {
    expect_relaxed(compare_http(name + ": 1\r\n", name + ": 2\r\n"), "header " + name);
    expect_relaxed(compare_http("", name + ": 2\r\n"), "header " + name);
  }
}

TEST(CompareRequestsTest, AnyOtherHeaderCounts) {
  for (const std::string name :
       {"Authorization", "Accept", "Cookie", "Idempotency-Key", "X-B", "Dated"}) {
    expect_different(compare_http(name + ": 1\r\n", name + ": 2\r\n"), "header " + name);
    expect_different(compare_http(name + ": 1\r\n", ""), "header " + name);
  }
}

TEST(CompareRequestsTest, FirstDifferenceThatCountsIsNamedBeforeRelaxedOnes) {
  expect_different(compare_http("Date: 1\r\nAccept: a\r\nCookie: a\r\n",
                                "Date: 2\r\nAccept: b\r\nCookie: b\r\n"),
                   "header Accept");
}

TEST(CompareRequestsTest, PortOfHostAndVersionsOfUserAgentAreRelaxed) {
  expect_relaxed(compare_http("Host: pay:8080\r\n", "Host: PAY:9\r\n"), "header Host");
  expect_relaxed(compare_http("Host: [::1]:80\r\n", "Host: [::1]\r\n"), "header Host");
  expect_different(compare_http("Host: pay:80\r\n", "Host: play:80\r\n"), "header Host");
  expect_different(compare_http("Host: [::1]\r\n", "Host: [::2]\r\n"), "header Host");
  expect_relaxed(
      compare_http("User-Agent: curl/7.88.1 zlib/1\r\n", "User-Agent: curl/8.0 zlib/2.1\r\n"),
      "header User-Agent");
  expect_different(compare_http("User-Agent: curl/7\r\n", "User-Agent: wget/7\r\n"),
                   "header User-Agent");
}

TEST(CompareRequestsTest, MultipartBoundaryIsRelaxedAndItsPartsCount) {
  const auto type = [](const std::string& boundary) {
    return "Content-Type: multipart/form-data; boundary=\"" + boundary + "\"\r\n";
  };
  const auto body = [](const std::string& boundary, const std::string& part) {
    return "--" + boundary + "\r\n\r\n" + part + "\r\n--" + boundary + "--\r\n";
  };
  expect_relaxed(compare_http(type("aaa"), type("bbbb"), body("aaa", "x"), body("bbbb", "x")),
                 "header Content-Type");
  expect_different(compare_http(type("aaa"), type("bbbb"), body("aaa", "x"), body("bbbb", "y")),
                   "body");
}

TEST(CompareRequestsTest, LayoutOfJsonIsRelaxedAndItsNumbersAreExact) {
  const std::string json = "Content-Type: application/json\r\n";
  expect_relaxed(compare_http(json, json, R"({"a":1,"b":[1.0]})", R"({ "b": [1], "a": 1 })"),
                 "header Content-Length");
  expect_different(compare_http(json, json, "[9007199254740993]", "[9007199254740992]"), "body");
  expect_different(compare_http("", "", "[1]", "[1] "), "body");
}

TEST(CompareRequestsTest, MethodAndTargetCount) {
  expect_different(compare(Protocol::kHttp1, "GET /a HTTP/1.1\r\n\r\n", "PUT /a HTTP/1.1\r\n\r\n"),
                   "method");
  expect_different(
      compare(Protocol::kHttp1, "GET /a?x HTTP/1.1\r\n\r\n", "GET /a?y HTTP/1.1\r\n\r\n"),
      "target");
  expect_relaxed(compare(Protocol::kHttp1, "GET /a HTTP/1.1\r\n\r\n", "GET /a HTTP/1.0\r\n\r\n"),
                 "version");
}

TEST(CompareRequestsTest, RedisCommandsCompareByArgumentsNotByForm) {
  const std::string array = "*3\r\n$3\r\nset\r\n$1\r\nk\r\n$1\r\nv\r\n";
  EXPECT_EQ(compare(Protocol::kResp, array, "SET k v\r\n").degree, Degree::kExact);
  expect_different(compare(Protocol::kResp, array, "SET k w\r\n"), "argument 2");
  expect_different(compare(Protocol::kResp, array, "SET k v NX\r\n"), "argument 3");
  expect_different(compare(Protocol::kResp, array, "GET k\r\n"), "command");
  expect_relaxed(
      compare(Protocol::kResp, "CLIENT SETINFO lib-ver 1\r\n", "CLIENT SETINFO lib-ver 2\r\n"),
      "argument 3");
}

RequestComparison compare_executions(const std::string& a, std::string_view target_a,
                                     const std::string& b, std::string_view target_b) {
  const auto parse = [](const std::string& text, std::string_view target) {
    return parse_request(Protocol::kPostgres,
                         {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, target);
  };
  return compare_requests(parse(a, target_a), parse(b, target_b));
}

TEST(CompareRequestsTest, ExecutionsCompareByTextAndParametersNotByNames) {
  using namespace pg;
  const std::string first = bind("", "s1", {"7", {}}) + execute();
  const std::string text = "SELECT a FROM t";
  EXPECT_EQ(
      compare_executions(first, text, bind("p", "S_9", {"7", {}}) + execute("p"), text).degree,
      Degree::kExact);
  expect_different(compare_executions(first, text, first, "SELECT b FROM t"), "statement");
  expect_different(compare_executions(first, text, bind("", "s1", {"8", {}}) + execute(), text),
                   "parameter $1");
  // A NULL is no empty string.
  expect_different(compare_executions(first, text, bind("", "s1", {"7", ""}) + execute(), text),
                   "parameter $2");
  expect_different(compare_executions(first, text, bind("", "s1", {"7"}) + execute(), text),
                   "parameter $2");
  expect_different(
      compare_executions(first, text, bind("", "s1", {"7", {}}) + execute("", 10), text),
      "parameter rows");
}

TEST(CompareRequestsTest, LayoutAndCommentsOfAStatementAreRelaxed) {
  using namespace pg;
  expect_relaxed(compare(Protocol::kPostgres, query("SELECT a  FROM t"),
                         query("SELECT a FROM t /* traceparent='1' */;")),
                 "layout of the statement");
  expect_different(compare(Protocol::kPostgres, query("SELECT 'a  b'"), query("SELECT 'a b'")),
                   "statement");
  expect_different(compare(Protocol::kPostgres, query("SELECT 1"), sync()), "command");
}

TEST(CompareRequestsTest, WhatOnlySetsAStatementUpSaysNothing) {
  using namespace pg;
  EXPECT_EQ(compare(Protocol::kPostgres, parse("a", "SELECT 1"), parse("b", "SELECT 1")).degree,
            Degree::kExact);
  expect_relaxed(compare(Protocol::kPostgres, parse("a", "SELECT 1"), parse("a", "SELECT 2")),
                 "statement");
}

TEST(CompareRequestsTest, DataOfACopyCompareHoweverTheyAreCut) {
  using namespace pg;
  const std::string data = copy_data("1\n2\n") + copy_done();
  EXPECT_EQ(
      compare(Protocol::kPostgres, data, copy_data("1\n") + copy_data("2\n") + copy_done()).degree,
      Degree::kExact);
  expect_different(compare(Protocol::kPostgres, data, copy_data("1\n3\n") + copy_done()), "data");
  expect_different(
      compare(Protocol::kPostgres, data, copy_data("1\n2\n") + message('f', z("out of rows"))),
      "parameter failed");
}

TEST(CompareRequestsTest, ProofsOfIdentityAndTheApplicationsNameAreRelaxed) {
  using namespace pg;
  expect_relaxed(compare(Protocol::kPostgres, message('p', z("one")), message('p', z("two"))),
                 "credentials");
  const auto start = [](std::string_view name) {
    return packet(196608, z("user") + z("ann") + z("application_name") + z(name) + '\0');
  };
  expect_relaxed(compare(Protocol::kPostgres, start("a"), start("b")),
                 "parameter application_name");
  expect_different(compare(Protocol::kPostgres, startup(),
                           packet(196608, z("user") + z("bob") + z("database") + z("shop") + '\0')),
                   "parameter user");
}

TEST(CompareRequestsTest, OpaqueBytesAreEqualOrNot) {
  EXPECT_EQ(compare(Protocol::kOpaque, "\x01\x02", "\x01\x02").degree, Degree::kExact);
  expect_different(compare(Protocol::kOpaque, "abc", "abd"), "byte 2");
  expect_different(compare(Protocol::kOpaque, "abc", "abcd"), "byte 3");
  expect_different(compare_requests(Message{.protocol = Protocol::kResp}, Message{}), "protocol");
}

}  // namespace
}  // namespace reprise::protocol
