#include "recorder/watched_journal.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "archive/sample_disk.h"
#include "archive/sample_journal.h"
#include "recorder/derivation.h"
#include "recorder/testing/recorded_service.h"
#include "recorder/testing/sample_journal.h"

namespace reprise::recorder {
namespace {

struct Watcher final : event::Observer {
  void on_event(const event::Event& event) override { sink.on_event(event); }
  CollectedSink sink;
};

void work(RecordedService& recorded) {
  Workload workload(recorded);
  for (int step = 0; step < kSampleSteps; ++step) workload.step();
}

CollectedSink collected_at_once() {
  RecordedService whole;
  work(whole);
  whole.finish();
  return whole.sink;
}

// What a Workload leaves to whoever watches, and in the journal.
struct Watched {
  Watched() {
    RecordedService recorded;
    const auto writer = new_journal(disk);
    WatchedJournal journal(*writer, recorded.setting());
    journal.collector().add_observer(watcher);
    Drain drain(recorded.service.arena(), recorded.watch, journal, Drain::Mode::kRecord);
    work(recorded);
    drain.finish(true);
    journal.finish();
    journal.hand_on();
    EXPECT_TRUE(writer->finish({}));
  }

  std::shared_ptr<archive::MemoryDisk> disk = std::make_shared<archive::MemoryDisk>();
  Watcher watcher;
};

using Places = std::vector<std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>>;

// By thread, connection and position. `sink` knows the connections.
template <typename Fact>
Places places(const CollectedSink& told, const CollectedSink& sink,
              std::optional<event::Direction> direction = std::nullopt) {
  Places all;
  for (const event::Event* event : told.of<Fact>()) {
    const event::ConnectionId id = std::get<Fact>(event->fact).connection;
    if (direction && sink.connections.at(id).direction != *direction) continue;
    all.emplace_back(event->thread.value, id.value, event->position);
  }
  return all;
}

TEST(WatchedJournalTest, ItTellsOfConnectionsAndOfWhatTheServiceSendsByItsOwn) {
  const CollectedSink all = collected_at_once();
  const Watched watched;
  const CollectedSink& told = watched.watcher.sink;
  EXPECT_EQ(places<event::Accepted>(told, all), places<event::Accepted>(all, all));
  EXPECT_EQ(places<event::Connected>(told, all), places<event::Connected>(all, all));
  EXPECT_EQ(places<event::Closed>(told, all), places<event::Closed>(all, all));
  EXPECT_GT(told.of<event::Closed>().size(), 5u);
  const auto sent = places<event::SendIntended>(told, all);
  EXPECT_EQ(sent, places<event::SendIntended>(all, all, event::Direction::kOutbound));
  EXPECT_GT(sent.size(), 5u);
  EXPECT_EQ(places<event::BytesReceived>(told, all),
            places<event::BytesReceived>(all, all, event::Direction::kOutbound));
  EXPECT_TRUE(told.of<event::ClockRead>().empty());
}

TEST(WatchedJournalTest, EverythingCanBeDerivedFromIt) {
  const CollectedSink all = collected_at_once();
  const Watched watched;
  const auto reader = archive::reader_on(watched.disk);
  const auto disk = std::make_shared<archive::MemoryDisk>();
  const auto writer = archive::writer_on(disk);
  archive::Trailer trailer;
  ASSERT_TRUE(derive(**reader, *writer, trailer));
  ASSERT_TRUE(writer->finish(trailer));
  std::size_t exchanges = 0, events = 0;
  const auto derived = archive::reader_on(disk);
  (*derived)->each_exchange([&](const event::Exchange& exchange) {
    ++exchanges;
    EXPECT_EQ(exchange.complete, all.exchange(exchange.id.value).complete);
    EXPECT_EQ(exchange.calls, all.exchange(exchange.id.value).calls);
    return true;
  });
  (*derived)->each_event([&](const event::Event&) { return ++events, true; });
  EXPECT_EQ(exchanges, all.exchanges.size());
  EXPECT_EQ(events, all.events.size());
}

}  // namespace
}  // namespace reprise::recorder
