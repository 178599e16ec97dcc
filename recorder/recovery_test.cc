// A recovery comes to the same exchanges and calls as a recorder that was never killed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "recorder/testing/recorded_service.h"

namespace reprise::recorder {
namespace {

constexpr abi::Cookie kListener = 1;
constexpr std::uint64_t kSecond = 1'000'000;  // ticks of RecordedService

// A service of two threads, a call to an upstream now and then, and requests in pieces.
class Workload {
 public:
  explicit Workload(RecordedService& recorded)
      : stamp_(recorded.service.stamp), threads_{&recorded.thread(0), &recorded.thread(1, 0)} {
    threads_[0]->write(abi::RecordType::kListen, abi::Listen{kListener, 10, 0, loopback(80)});
    threads_[0]->connect(30, 6000, 6379);
    threads_[1]->connect(31, 6001, 8080);
  }

  void step() {
    if (random_() % 8 == 0) stamp_ += kSecond + kSecond / 2;  // nothing happened for a while
    SyntheticThread& thread = *threads_[random_() % 2];
    Client& client = clients_[random_() % 6];
    const auto cookie =
        static_cast<abi::Cookie>(100 + client.generation * 10 + (&client - clients_));
    if (!client.open) {
      thread.accept(kListener, cookie, 80, static_cast<std::uint16_t>(5000 + cookie));
      client = {true, client.generation, 0};
      return;
    }
    switch (client.stage++) {
      case 0:
        thread.wait({cookie});
        thread.clock(1);
        break;
      case 1:
        thread.receive(cookie, get("/in/pieces").substr(0, 7));
        break;
      case 2:
        thread.receive(cookie, get("/in/pieces").substr(7));
        break;
      case 3:
        call(thread);
        break;
      case 4:
        thread.send(cookie, ok("an answer"));
        break;
      case 5:
        thread.receive(cookie, get("/whole"));
        thread.clock(2);
        break;
      case 6:
        thread.send(cookie, ok("another"));
        break;
      default:
        client.stage = 0;
        if (random_() % 3 != 0) return;
        thread.close(cookie);
        client = {false, client.generation + 1, 0};
    }
  }

 private:
  struct Client {
    bool open = false;
    int generation = 0;
    int stage = 0;
  };

  void call(SyntheticThread& thread) {
    if (&thread == threads_[0]) {
      thread.send(30, "*1\r\n$4\r\nPING\r\n");
      thread.receive(30, "+PONG\r\n");
    } else {
      thread.send(31, get("/up"));
      thread.receive(31, ok("x"));
    }
  }

  std::uint64_t& stamp_;
  std::mt19937 random_{4711};
  SyntheticThread* threads_[2];
  Client clients_[6];
};

std::string range_text(event::ByteRange range) {
  return " [" + std::to_string(range.begin) + "," + std::to_string(range.end) + ")";
}

std::vector<std::string> exchange_facts(const CollectedSink& sink) {
  std::vector<std::string> facts;
  for (const auto& [id, e] : sink.exchanges) {
    std::ostringstream text;
    text << id.value << ": connection " << e.connection.value << " ordinal " << e.ordinal << " "
         << e.method << " " << e.target << " " << e.status << range_text(e.request)
         << range_text(e.response) << " calls " << e.calls << " draws " << e.draws << " "
         << (e.complete ? "complete" : e.incomplete_why);
    facts.push_back(text.str());
  }
  return facts;
}

std::vector<std::string> call_facts(const CollectedSink& sink) {
  std::vector<std::string> facts;
  for (const auto& [id, c] : sink.calls) {
    std::ostringstream text;
    text << id.value << ": context " << static_cast<int>(c.context.kind) << "/"
         << c.context.exchange.value << " connection " << c.connection.value << " " << c.operation
         << " ordinal " << c.ordinal << range_text(c.request) << range_text(c.response) << " "
         << c.complete;
    facts.push_back(text.str());
  }
  return facts;
}

std::vector<std::tuple<std::uint64_t, std::uint64_t, std::size_t>> event_facts(
    const CollectedSink& sink) {
  std::vector<std::tuple<std::uint64_t, std::uint64_t, std::size_t>> facts;
  for (const event::Event& event : sink.events) {
    facts.emplace_back(event.thread.value, event.position, event.fact.index());
  }
  return facts;
}

// The first fact in which they differ, as both have it; empty when there is none.
std::string differing(const std::vector<std::string>& found,
                      const std::vector<std::string>& expected) {
  const auto [one, other] =
      std::mismatch(found.begin(), found.end(), expected.begin(), expected.end());
  if (one == found.end() && other == expected.end()) return "";
  return "found " + (one == found.end() ? "nothing" : *one) + "\nfor   " +
         (other == expected.end() ? "nothing" : *other);
}

constexpr int kSteps = 400;

// Killed after `cut` steps, of which all was flushed that was collected; recovered after the rest.
CollectedSink recovered(int cut, bool settled) {
  RecordedService recorded;
  std::vector<std::uint64_t> numbers(recorded.service.arena().geometry().thread_count);
  CollectedSink archive;
  CollectorSetting setting = recorded.setting();
  setting.thread_numbers = numbers;
  Workload workload(recorded);
  {
    Collector killed(archive, setting);
    Drain drain(recorded.service.arena(), recorded.watch, killed, Drain::Mode::kRecord);
    for (int step = 0; step < cut; ++step) workload.step();
    drain.pass();
    if (settled) drain.settle();
  }
  for (int step = cut; step < kSteps; ++step) workload.step();

  ProcessWatch watch(recorded.service.arena());
  setting.identify = [&watch](std::uint32_t slot) { return watch.identity(slot); };
  Collector collector(archive, setting);
  std::vector<event::Connection> open;
  for (const auto& [id, connection] : archive.connections) {
    if (connection.closed.ticks == 0) open.push_back(connection);
  }
  collector.absorb_connections(open, {});
  const std::vector<event::Event> archived = archive.events;
  for (const event::Event& event : archived) collector.absorb(event, settled);
  collector.absorbed(archive.exchanges.size(), archive.calls.size());
  EXPECT_EQ(archive.events.size(), archived.size()) << "what is there is not written again";
  Drain drain(recorded.service.arena(), watch, collector, Drain::Mode::kRecover);
  drain.finish(true);
  collector.finish();
  return archive;
}

TEST(RecoveryTest, ExchangesAndCallsAreThoseOfARecorderThatWasNeverKilled) {
  RecordedService whole;
  Workload workload(whole);
  for (int step = 0; step < kSteps; ++step) workload.step();
  whole.finish();
  ASSERT_GT(whole.sink.exchanges.size(), 50u);
  ASSERT_GT(whole.sink.calls.size(), 20u);
  for (int cut = 0; cut <= kSteps; cut += 13) {
    for (const bool settled : {false, true}) {
      SCOPED_TRACE(testing::Message() << "cut " << cut << (settled ? ", settled" : ""));
      const CollectedSink sink = recovered(cut, settled);
      EXPECT_EQ(differing(exchange_facts(sink), exchange_facts(whole.sink)), "");
      EXPECT_EQ(differing(call_facts(sink), call_facts(whole.sink)), "");
      EXPECT_EQ(event_facts(sink).size(), event_facts(whole.sink).size());
      if (testing::Test::HasFailure()) return;
    }
  }
}

TEST(RecoveryTest, NoEventIsWrittenTwice) {
  for (int cut = 0; cut <= kSteps; cut += 41) {
    auto facts = event_facts(recovered(cut, false));
    std::sort(facts.begin(), facts.end());
    EXPECT_EQ(std::unique(facts.begin(), facts.end()), facts.end());
  }
}

}  // namespace
}  // namespace reprise::recorder
