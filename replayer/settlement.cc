#include "replayer/settlement.h"

#include <algorithm>
#include <string_view>

#include "protocol/masking.h"
#include "protocol/message.h"

namespace reprise::replayer {
namespace {

using Kind = Divergence::Kind;

// The first thing by which two responses differ as messages, "" when only their framing does.
struct Difference {
  std::string expected, actual;
};

constexpr std::size_t kExcerptBytes = 40;

// What stands in `body` around `at`, on one line.
std::string excerpt(const event::Bytes& bytes, std::size_t at) {
  const std::string_view body(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t begin = at - std::min(at, kExcerptBytes / 2);
  std::string text(body.substr(begin, kExcerptBytes));
  text.erase(text.find_last_not_of("\r\n") + 1);
  std::ranges::replace_if(
      text, [](char c) { return c == '\r' || c == '\n'; }, ' ');
  if (begin > 0) text.insert(0, "…");
  if (begin + kExcerptBytes < body.size()) text += "…";
  return "body of " + std::to_string(body.size()) + " bytes: " + text;
}

Difference body_difference(const event::Bytes& recorded, const event::Bytes& actual) {
  const auto first = std::ranges::mismatch(recorded, actual).in1;
  const auto at = static_cast<std::size_t>(first - recorded.begin());
  return {excerpt(recorded, at), excerpt(actual, at)};
}

// Several headers of one name are compared in their order, each with its counterpart.
Difference header_difference(const protocol::Message& recorded, const protocol::Message& actual) {
  const auto words = [](const std::string& name, const auto& values, std::size_t i) {
    if (i < values.size()) {
      return name + ": " + protocol::masked_header(name, std::string(values[i]));
    }
    return (i == 0 ? "no header " : "no further header ") + name;
  };
  for (const protocol::Fields* fields : {&recorded.headers, &actual.headers}) {
    for (const auto& [name, value] : *fields) {
      const auto expected = recorded.values(name), found = actual.values(name);
      if (expected == found) continue;
      const auto first = std::ranges::mismatch(expected, found).in1;
      const auto at = static_cast<std::size_t>(first - expected.begin());
      return {words(name, expected, at), words(name, found, at)};
    }
  }
  return {};
}

Difference difference(const protocol::Message& recorded, const protocol::Message& actual) {
  if (recorded.status != actual.status) {
    const auto words = [](const std::string& status) {
      return status.empty() ? std::string("an answer without a status") : "status " + status;
    };
    return {words(recorded.status), words(actual.status)};
  }
  // A header that counts or digests the body says less than the body.
  if (recorded.decoded_body != actual.decoded_body) {
    return body_difference(recorded.decoded_body, actual.decoded_body);
  }
  Difference headers = header_difference(recorded, actual);
  if (headers.expected.empty() && recorded.trailers != actual.trailers) {
    return {"its trailers", "other trailers"};
  }
  return headers;
}

void compare_response(Stage& stage, const DrivenExchange& exchange) {
  const RecordedExchange& recorded = *exchange.recorded;
  const std::string status = "status " + stage.plan.names[recorded.status];
  if (!exchange.problem.empty()) {
    stage.ledger.diverge({recorded.id, Kind::kNoResponse, status, exchange.problem});
    return;
  }
  if (!recorded.answered()) return;  // nothing whole to compare with
  const Answer& answer = exchange.answer;
  if (answer.equal && answer.length == recorded.response.size()) return;
  if (!answer.whole) {
    stage.ledger.diverge({recorded.id, Kind::kNoResponse, status,
                          "an answer cut off after " + std::to_string(answer.length) + " bytes"});
    return;
  }
  const event::Bytes expected =
      stage.plan.streams->bytes({recorded.connection, Flow::kSent}, recorded.response);
  const std::string& method = stage.plan.names[recorded.method];
  const bool cut = answer.equal || answer.length > answer.bytes.size();
  Difference found =
      cut ? Difference{std::to_string(recorded.response.size()) + " bytes",
                       std::to_string(answer.length) + " bytes"}
          : difference(protocol::parse_response(recorded.protocol, expected, method),
                       protocol::parse_response(recorded.protocol, answer.bytes, method));
  if (found.expected.empty()) return;
  stage.ledger.diverge(
      {recorded.id, Kind::kResponse, std::move(found.expected), std::move(found.actual)});
}

void compare_calls(Stage& stage, const RecordedExchange& recorded) {
  for (const RecordedCall* call : stage.matcher.finish(recorded.id)) {
    const std::string& operation = stage.plan.names[call->operation];
    stage.ledger.diverge(
        {recorded.id, Kind::kMissingCall,
         (operation.empty() ? "call" : operation) + " to " + stage.plan.names[call->peer], ""});
  }
}

void tell(Stage& stage, const RecordedExchange& recorded, const DrawDifference& draws) {
  const auto words = [&](std::uint64_t times) {
    return std::to_string(times) + " × " + draw_name(draws.source);
  };
  stage.ledger.diverge({recorded.id,
                        draws.replayed > draws.recorded ? Kind::kExtraDraw : Kind::kMissingDraw,
                        words(draws.recorded), words(draws.replayed)});
}

}  // namespace

void settle_response(Stage& stage, const DrivenExchange& exchange) {
  const RecordedExchange& recorded = *exchange.recorded;
  compare_response(stage, exchange);
  if (!recorded.complete) {
    stage.ledger.note("exchange " + std::to_string(recorded.id.value) +
                      " is incomplete in the recording and was replayed as far as it is known");
  }
  stage.ledger.replayed();
}

void settle_work(Stage& stage, const RecordedExchange& recorded, DrawComparison& draws,
                 const DrawTally::Counts& replayed) {
  // What was cut off in the recording was not recorded to its end: less of it proves nothing.
  if (!recorded.complete) return;
  compare_calls(stage, recorded);
  for (const DrawDifference& found : draws.compare(recorded.id, replayed)) {
    tell(stage, recorded, found);
  }
}

}  // namespace reprise::replayer
