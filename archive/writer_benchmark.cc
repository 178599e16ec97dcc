// What recording costs: events and bytes a second through serialisation, compression, checksums and
// the file (in memory, so that a disk does not count).
#include <benchmark/benchmark.h>

#include <random>

#include "archive/null_file.h"
#include "archive/sample_disk.h"

namespace reprise::archive {
namespace {

std::unique_ptr<Writer> null_writer() {
  return *Writer::create(std::make_unique<NullFile>(), sample_header(), {});
}

// A clock read, as services make most of.
void BM_AppendClockRead(benchmark::State& state) {
  const auto writer = null_writer();
  event::Event event;
  event.process = {1};
  event.thread = {3};
  std::uint64_t stamp = 5'000'000'000;
  for (auto _ : state) {
    event.position++;
    event.enter = {stamp += 900};
    event.exit = {stamp + 30};
    event.context = event::Context::of({1 + event.position / 12});
    event.fact = event::ClockRead{
        .source = 1, .value_ns = static_cast<std::int64_t>(stamp), .caller = 0x5555'5555'1234};
    writer->append(event);
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["bytes/event"] =
      static_cast<double>(writer->bytes_written()) / static_cast<double>(state.iterations());
}
BENCHMARK(BM_AppendClockRead);

// An exchange of a small web service: request, response, five draws, the derived records.
void BM_AppendSmallExchange(benchmark::State& state) {
  const auto writer = null_writer();
  const std::string request =
      "GET /item/17 HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: curl/7.88.1\r\nAccept: "
      "*/*\r\n\r\n";
  const std::string response =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"item\": "
      "\"ab\"}";
  std::uint64_t stamp = 5'000'000'000, id = 0;
  event::Event event;
  event.process = {1};
  const auto append = [&](auto fact) {
    event.position++;
    event.enter = {stamp += 700};
    event.exit = {stamp += 300};
    event.fact = std::move(fact);
    writer->append(event);
  };
  std::uint64_t events = 0;
  for (auto _ : state) {
    ++id;
    const event::ConnectionId connection{1 + id % 16};
    event.thread = {1 + id % 4};
    event.context = event::Context::of({id});
    event::Exchange exchange;
    exchange.id = {id};
    exchange.connection = connection;
    exchange.method = "GET";
    exchange.target = "/item/17";
    exchange.first_byte_in = exchange.last_byte_in = {stamp};
    writer->append(exchange);
    append(event::BytesReceived{.connection = connection,
                                .offset = id / 16 * request.size(),
                                .requested = 4096,
                                .bytes = {request.begin(), request.end()}});
    for (int i = 0; i < 5; ++i) {
      append(event::ClockRead{.source = 1, .value_ns = std::int64_t(stamp), .caller = 0x5555'1234});
    }
    append(event::SendIntended{.connection = connection,
                               .offset = id / 16 * response.size(),
                               .bytes = {response.begin(), response.end()}});
    append(event::SendFinished{connection, id / 16 * response.size(),
                               static_cast<std::int64_t>(response.size()), 0});
    exchange.status = "200";
    exchange.complete = true;
    writer->append(exchange);
    events += 8;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(events));
  state.counters["bytes/event"] =
      static_cast<double>(writer->bytes_written()) / static_cast<double>(events);
}
BENCHMARK(BM_AppendSmallExchange);

// Bodies: range(0) bytes a read, compressible as text is, or not at all. Enough different ones that
// none repeats within a block.
void BM_AppendBody(benchmark::State& state) {
  const auto writer = null_writer();
  std::mt19937 random(1);
  const bool text = state.range(1) != 0;
  std::vector<event::Event> events(4'000'000 / static_cast<std::size_t>(state.range(0)));
  for (event::Event& event : events) {
    event::BytesReceived read{.connection = {1}, .requested = 65536};
    read.bytes.resize(static_cast<std::size_t>(state.range(0)));
    for (auto& byte : read.bytes) {
      byte = static_cast<std::uint8_t>(text ? "etaoin shrdlu{}\":,0123"[random() % 22] : random());
    }
    event.fact = std::move(read);
  }
  std::size_t next = 0;
  for (auto _ : state) {
    writer->append(events[next]);
    if (++next == events.size()) next = 0;
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_AppendBody)->ArgNames({"bytes", "text"})->ArgsProduct({{4096, 60000}, {0, 1}});

// A quiet service: a block for each exchange, since what is recorded must not wait in memory.
void BM_FlushSmallBlock(benchmark::State& state) {
  const auto writer = null_writer();
  event::Event event;
  event.fact = event::ClockRead{.source = 1};
  for (auto _ : state) {
    for (int i = 0; i < 8; ++i) {
      event.position++;
      event.enter = {event.enter.ticks + 1000};
      writer->append(event);
    }
    benchmark::DoNotOptimize(writer->flush());
  }
  state.SetItemsProcessed(state.iterations() * 8);
}
BENCHMARK(BM_FlushSmallBlock);

// Reading it all again.
void BM_ReadEvents(benchmark::State& state) {
  const auto disk = sample_disk({.exchanges = 20'000, .flush_every = 1000});
  const auto reader = *reader_on(disk);
  std::uint64_t events = 0;
  for (auto _ : state) {
    reader->each_event([&](const event::Event&) { return ++events, true; });
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(events));
}
BENCHMARK(BM_ReadEvents)->Unit(benchmark::kMillisecond);

void BM_OpenOneExchange(benchmark::State& state) {
  const auto disk = sample_disk({.exchanges = 20'000, .flush_every = 1000});
  std::uint64_t id = 0;
  for (auto _ : state) {
    const auto reader = *reader_on(disk);
    id = (id + 7919) % 20'000;
    benchmark::DoNotOptimize(reader->exchange({id + 1}));
  }
}
BENCHMARK(BM_OpenOneExchange)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace reprise::archive
