#include "diff/comparison.h"

#include <gtest/gtest.h>

#include <map>

#include "archive/memory_file.h"
#include "archive/reader.h"
#include "archive/sample_recording.h"
#include "archive/writer.h"

namespace reprise::diff {
namespace {

using archive::MemoryDisk;
using archive::MemoryFile;

std::string http(const std::string& first_line, const std::string& body) {
  return first_line +
         "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

struct CallText {
  std::string operation, request, response;
};
struct ExchangeText {
  std::uint64_t connection = 1;
  std::string target, response;
  std::vector<CallText> calls;
  bool complete = true;
};

// Writes an archive of HTTP exchanges into memory.
class Recording {
 public:
  explicit Recording(const std::string& session, const std::string& replay_of = "",
                     std::uint64_t replayed_only = 0, bool replayed_prefix = false) {
    archive::Header header = archive::sample_header();
    header.session = session;
    header.replay = !replay_of.empty();
    header.replay_of = replay_of;
    header.replayed_only = replayed_only;
    header.replayed_prefix = replayed_prefix;
    writer_ = *archive::Writer::create(std::make_unique<MemoryFile>(disk_), header, {});
    add_connection(kDependency, 0, event::Direction::kOutbound);
  }

  void add_connection(std::uint64_t id, std::uint64_t recorded,
                      event::Direction direction = event::Direction::kInbound) {
    event::Connection connection;
    connection.id = {id};
    connection.process = {1};
    connection.direction = direction;
    connection.protocol = event::Protocol::kHttp1;
    connection.recorded = recorded;
    writer_->append(connection);
  }

  void add(const ExchangeText& text) {
    event::Exchange exchange;
    exchange.id = {++exchanges_};
    exchange.connection = {text.connection};
    exchange.ordinal = ++ordinals_[text.connection];
    exchange.process = {1};
    exchange.protocol = event::Protocol::kHttp1;
    exchange.method = "GET";
    exchange.target = text.target;
    context_ = event::Context::of(exchange.id);
    exchange.first_byte_in = exchange.last_byte_in = tick();
    exchange.request = receive(text.connection, "GET " + text.target + " HTTP/1.1\r\n\r\n");
    for (const CallText& call : text.calls) add_call(call);
    exchange.first_byte_out = tick();
    exchange.response = send(text.connection, text.response);
    exchange.last_byte_out = tick();
    exchange.status = text.response.substr(9, 3);
    exchange.complete = text.complete;
    if (!text.complete) exchange.incomplete_why = "the process ended";
    writer_->append(exchange);
  }

  void add_background(const CallText& call) {
    context_ = event::Context::background();
    add_call(call);
  }

  void add_unattributed(const CallText& call) {
    context_ = event::Context::unattributed();
    add_call(call);
  }

  std::unique_ptr<archive::Reader> finish(const event::ProcessExited& exit = {},
                                          bool exited = true) {
    archive::Trailer trailer;
    trailer.exit = exit;
    trailer.exited = exited;
    EXPECT_TRUE(writer_->finish(trailer));
    return *archive::Reader::open(std::make_unique<MemoryFile>(disk_));
  }

 private:
  static constexpr std::uint64_t kDependency = 100;

  event::Stamp tick() { return {now_ += 10}; }
  void add_call(const CallText& text) {
    event::Call call;
    call.id = {++calls_};
    call.context = context_;
    call.connection = {kDependency};
    call.protocol = event::Protocol::kHttp1;
    call.peer = "stock:80";
    call.operation = text.operation;
    call.first_byte_out = tick();
    call.request = send(kDependency, text.request);
    call.first_byte_in = tick();
    call.response = receive(kDependency, text.response);
    call.last_byte_in = tick();
    call.complete = true;
    writer_->append(call);
  }
  event::ByteRange receive(std::uint64_t connection, const std::string& text) {
    const std::uint64_t begin = in_[connection];
    append(event::BytesReceived{
        .connection = {connection}, .offset = begin, .bytes = {text.begin(), text.end()}});
    return {begin, in_[connection] += text.size()};
  }
  event::ByteRange send(std::uint64_t connection, const std::string& text) {
    const std::uint64_t begin = out_[connection];
    append(event::SendIntended{
        .connection = {connection}, .offset = begin, .bytes = {text.begin(), text.end()}});
    append(event::SendFinished{{connection}, begin, static_cast<std::int64_t>(text.size()), 0});
    return {begin, out_[connection] += text.size()};
  }
  void append(event::Fact fact) {
    event::Event event;
    event.process = {1};
    event.thread = {1};
    event.position = ++position_;
    event.enter = event.exit = tick();
    event.context = context_;
    event.fact = std::move(fact);
    writer_->append(event);
  }

  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  std::unique_ptr<archive::Writer> writer_;
  event::Context context_;
  std::uint64_t now_ = 5'000'000'000, position_ = 0, exchanges_ = 0, calls_ = 0;
  std::map<std::uint64_t, std::uint64_t> in_, out_, ordinals_;
};

// Differences as lines "exchange where kind base -> candidate".
class Lines final : public Listener {
 public:
  void on_difference(const ExchangeDifferences& found) override {
    for (const Difference& difference : found.differences) {
      text += std::to_string(found.base ? found.base.value : found.candidate.value) + " " +
              difference.where + " " + kind_text(difference.kind) + " " +
              (difference.base ? difference.base->text : "none") + " -> " +
              (difference.candidate ? difference.candidate->text : "none") + "\n";
    }
  }
  std::string text;
};

struct Result {
  std::string text;
  Totals totals;
};
Result compare(archive::Reader& base, archive::Reader& candidate) {
  Lines lines;
  Comparison comparison(base, candidate, lines);
  comparison.compare_all();
  return {lines.text, comparison.totals()};
}

const std::string kOk = "HTTP/1.1 200 OK";
const CallText kStock = {"GET /stock", "GET /stock?n=1 HTTP/1.1\r\n\r\n", http(kOk, R"({"n":1})")};

std::unique_ptr<archive::Reader> recording(const std::string& price = "2.50",
                                           const std::vector<CallText>& calls = {kStock}) {
  Recording recording("base");
  recording.add_connection(1, 0);
  recording.add({1, "/a", http(kOk, R"({"items": [1, {"price": )" + price + "}]}"), calls});
  recording.add({1, "/b", http(kOk, "[]"), {}});
  return recording.finish();
}

TEST(Comparison, ArchiveIsTheSameAsItself) {
  const auto base = recording(), candidate = recording();
  const Result result = compare(*base, *candidate);
  EXPECT_EQ(result.text, "");
  EXPECT_EQ(result.totals.same, 2u);
  EXPECT_EQ(result.totals.differ + result.totals.missing + result.totals.extra, 0u);
}

TEST(Comparison, TellsExactlyTheChangedPrice) {
  const auto base = recording("2.50"), candidate = recording("2.75");
  const Result result = compare(*base, *candidate);
  EXPECT_EQ(result.text, "1 response.body.$.items[1].price changed 2.50 -> 2.75\n");
  EXPECT_EQ(result.totals.same, 1u);
  EXPECT_EQ(result.totals.differ, 1u);
}

TEST(Comparison, TellsMissingExtraAndChangedCalls) {
  const CallText charge = {"POST /charge", http("POST /charge HTTP/1.1", R"({"amount":5})"),
                           http(kOk, "{}")};
  CallText other = charge;
  other.request = http("POST /charge HTTP/1.1", R"({"amount":6})");
  const auto base = recording("1", {kStock, charge});
  EXPECT_EQ(compare(*base, *recording("1", {kStock})).text,
            "1 call[1] missing POST /charge at stock:80 -> none\n");
  EXPECT_EQ(compare(*recording("1", {kStock}), *base).text,
            "1 call[1] extra none -> POST /charge at stock:80\n");
  EXPECT_EQ(compare(*base, *recording("1", {kStock, other})).text,
            "1 call[1].request.body.$.amount changed 5 -> 6\n");
}

// A replay may take connections in another order; what it stands for is what counts.
TEST(Comparison, ReplayIsAlignedByRecordedConnection) {
  Recording base("base"), candidate("candidate", "base");
  for (const std::uint64_t connection : {1, 2}) base.add_connection(connection, 0);
  base.add({1, "/x", http(kOk, "1"), {}});
  base.add({2, "/x", http(kOk, "2"), {}});
  candidate.add_connection(1, 2);
  candidate.add_connection(2, 1);
  candidate.add({1, "/x", http(kOk, "2"), {}});
  candidate.add({2, "/x", http(kOk, "1"), {}});
  const auto one = base.finish(), other = candidate.finish();
  const Result result = compare(*one, *other);
  EXPECT_EQ(result.text, "");
  EXPECT_EQ(result.totals.same, 2u);
  EXPECT_EQ(compare(*other, *one).totals.same, 2u);
}

// Three exchanges on one connection; a replay may have the first ones only.
std::unique_ptr<archive::Reader> three(Recording recording, const std::vector<int>& numbers,
                                       std::uint64_t recorded) {
  recording.add_connection(1, recorded);
  for (const int number : numbers) {
    recording.add({1, "/" + std::to_string(number), http(kOk, "[]"), {}});
  }
  return recording.finish();
}

TEST(Comparison, WhatAReplayWasNotToReplayIsNoDifference) {
  const auto base = three(Recording("base"), {1, 2, 3}, 0);
  const auto alone = three(Recording("alone", "base", 1), {1}, 1);
  for (const Result& result : {compare(*base, *alone), compare(*alone, *base)}) {
    EXPECT_EQ(result.text, "");
    EXPECT_EQ(result.totals.same, 1u);
    EXPECT_EQ(result.totals.not_replayed, 2u);
  }
  // The control: a whole replay was to have them.
  const auto whole = three(Recording("whole", "base"), {1}, 1);
  EXPECT_EQ(compare(*base, *whole).totals.missing, 2u);
  EXPECT_EQ(compare(*base, *whole).totals.not_replayed, 0u);
}

TEST(Comparison, WhatAPartialReplayWasToReplayIsMissed) {
  const auto base = three(Recording("base"), {1, 2, 3}, 0);
  const auto alone = three(Recording("alone", "base", 2), {1}, 1);
  EXPECT_EQ(compare(*base, *alone).text, "2 exchange missing GET /2 -> 200 -> none\n");
  const auto prefix = three(Recording("prefix", "base", 3, true), {1}, 1);
  EXPECT_EQ(compare(*base, *prefix).totals.missing, 2u);
}

TEST(Comparison, IndependentRecordingsAreAlignedByMethodAndTarget) {
  Recording base("base"), candidate("candidate");
  base.add_connection(1, 0);
  candidate.add_connection(7, 0);
  base.add({1, "/x", http(kOk, "1"), {}});
  base.add({1, "/gone", http(kOk, "1"), {}});
  candidate.add({7, "/new", http(kOk, "1"), {}});
  candidate.add({7, "/x", http(kOk, "1"), {}});
  const Result result = compare(*base.finish(), *candidate.finish());
  EXPECT_EQ(result.text,
            "2 exchange missing GET /gone -> 200 -> none\n"
            "1 exchange extra none -> GET /new -> 200\n");
  EXPECT_EQ(result.totals.same, 1u);
  EXPECT_EQ(result.totals.missing, 1u);
  EXPECT_EQ(result.totals.extra, 1u);
}

TEST(Comparison, IncompleteExchangeIsToldAndNotComparedAsIfWhole) {
  const auto make = [](bool complete, const std::string& body) {
    Recording recording("base");
    recording.add_connection(1, 0);
    recording.add({1, "/a", http(kOk, body), {}, complete});
    return recording.finish();
  };
  EXPECT_EQ(compare(*make(true, "1"), *make(false, "2")).text,
            "1 exchange incomplete complete -> incomplete: the process ended\n");
  const Result both = compare(*make(false, "1"), *make(false, "2"));
  EXPECT_EQ(both.text, "");
  EXPECT_EQ(both.totals.incomplete, 1u);
  EXPECT_EQ(both.totals.same, 0u);
}

TEST(Comparison, BackgroundCallsAreToldApart) {
  Recording base("base"), candidate("base");
  base.add_background(kStock);
  EXPECT_EQ(compare(*base.finish(), *candidate.finish()).text,
            "0 background.call[0] missing GET /stock at stock:80 -> none\n");
}

// For whom a call was made is known in one of two runs that did the same.
TEST(Comparison, CallOfNobodyKnownIsTheOneThatAnExchangeHasInTheOtherArchive) {
  CallText other = kStock;
  other.response = http(kOk, R"({"n":2})");
  const auto make = [&](const std::vector<CallText>& known, const std::vector<CallText>& unknown) {
    Recording recording("base");
    recording.add_connection(1, 0);
    for (const CallText& call : unknown) recording.add_unattributed(call);
    recording.add({1, "/a", http(kOk, "1"), known});
    return recording.finish();
  };
  EXPECT_EQ(compare(*make({kStock}, {}), *make({}, {kStock})).text, "");
  EXPECT_EQ(compare(*make({}, {kStock}), *make({kStock}, {})).text, "");
  EXPECT_EQ(compare(*make({kStock, other}, {}), *make({}, {other, kStock})).text, "");
  // Another answer is another call, and one that both have for nobody known is no third one's.
  EXPECT_EQ(compare(*make({kStock}, {}), *make({}, {other})).text,
            "1 call[0] missing GET /stock at stock:80 -> none\n"
            "0 unattributed.call[0] extra none -> GET /stock at stock:80\n");
  EXPECT_EQ(compare(*make({kStock}, {kStock}), *make({}, {kStock})).text,
            "1 call[0] missing GET /stock at stock:80 -> none\n");
}

TEST(Comparison, TheOrderOfCallsOfNobodyKnownMeansNothing) {
  CallText other = kStock;
  other.request.insert(other.request.find(" HTTP"), "?other");
  const auto make = [](const std::vector<CallText>& calls, bool known) {
    Recording recording("base");
    for (const CallText& call : calls) {
      if (known) {
        recording.add_background(call);
      } else {
        recording.add_unattributed(call);
      }
    }
    return recording.finish();
  };
  EXPECT_EQ(compare(*make({kStock, other}, false), *make({other, kStock}, false)).text, "");
  EXPECT_NE(compare(*make({kStock, other}, true), *make({other, kStock}, true)).text, "");
  EXPECT_NE(compare(*make({kStock, other}, false), *make({other, other}, false)).text, "");
}

TEST(Comparison, TellsHowTheProcessEnded) {
  const auto ended = [](event::ProcessExited exit, bool exited = true) {
    return Recording("base").finish(exit, exited);
  };
  const event::ProcessExited clean{}, crash{event::ProcessExited::How::kSignal, 11};
  EXPECT_EQ(compare(*ended(crash), *ended(clean)).text,
            "0 exit changed signal 11 (SIGSEGV) -> code 0\n");
  EXPECT_EQ(compare(*ended(crash), *ended(crash)).text, "");
  EXPECT_EQ(compare(*ended({}, false), *ended(crash)).text, "");
}

TEST(Comparison, OnlyComparesOneExchange) {
  const auto base = recording("1"), candidate = recording("2");
  Lines lines;
  Comparison second(*base, *candidate, lines);
  second.compare_only({2});
  EXPECT_EQ(lines.text, "");
  EXPECT_EQ(second.totals().same, 1u);
  Comparison first(*base, *candidate, lines);
  first.compare_only({1});
  EXPECT_EQ(lines.text, "1 response.body.$.items[1].price changed 1 -> 2\n");
}

}  // namespace
}  // namespace reprise::diff
