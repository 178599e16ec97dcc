// What the recorder costs for each exchange of a busy server: arena to archive, without the disk.
//
//   bazel run -c opt //recorder:recording_benchmark
//
// An event loop answers small requests on connections that are kept open, as nginx does: one wait
// reports them all, then each is read and answered. Writing the records is not measured. Times
// swing with the machine; instructions do not:
//
//   valgrind --tool=callgrind --toggle-collect='*follow*' bazel-bin/recorder/recording_benchmark
#include <benchmark/benchmark.h>

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "archive/null_file.h"
#include "archive/sample_disk.h"
#include "recorder/archive_sink.h"
#include "recorder/collector.h"
#include "recorder/drain.h"
#include "recorder/journal.h"
#include "recorder/process_watch.h"
#include "recorder/testing/recorded_service.h"
#include "recorder/testing/synthetic_service.h"

namespace reprise::recorder {
namespace {

constexpr std::uint16_t kPort = 80;
constexpr abi::Cookie kListener = 1;
constexpr abi::Cookie kConnections = 16;
constexpr int kRounds = 48;  // what a recorder finds in one pass

enum class Keeping { kJournal, kEvents };

// The recorder of a service, up to the file.
class Recorder {
 public:
  Recorder(SyntheticService& service, Keeping keeping)
      : watch_(service.arena()),
        surroundings_(
            watch_, [&service] { return service.stamp; },
            [this](const event::Bytes& content) { return sink_.store(content); }, {}),
        keeper_(keep(keeping)),
        drain_(service.arena(), watch_, keeper_, Drain::Mode::kRecord) {}

  // One pass, and all of it written.
  [[gnu::noinline]] void follow() {
    drain_.pass();
    keeper_.hand_on();
    benchmark::DoNotOptimize(writer_->flush());
    drain_.settle();
    keeper_.settled();
  }
  std::uint64_t archive_bytes() const { return writer_->bytes_written(); }

 private:
  Keeper& keep(Keeping keeping) {
    if (keeping == Keeping::kJournal) return journal_.emplace(*writer_, surroundings_, nullptr);
    CollectorSetting setting;
    setting.surroundings = &surroundings_;
    return collector_.emplace(sink_, setting);
  }

  // Pages as they are: what compressing takes swamps the rest, and is not done where it matters.
  static std::unique_ptr<archive::Writer> new_writer() {
    auto writer = *archive::Writer::create(std::make_unique<archive::NullFile>(),
                                           archive::sample_header(), {});
    writer->compress_pages(false);
    return writer;
  }

  std::unique_ptr<archive::Writer> writer_ = new_writer();
  ArchiveSink sink_{writer_.get()};
  ProcessWatch watch_;
  LiveSurroundings surroundings_;
  std::optional<Journal> journal_;
  std::optional<Collector> collector_;
  Keeper& keeper_;
  Drain drain_;
};

// An answer as nginx words it, with `body` bytes.
std::string answer(std::size_t body) {
  return "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sun, 29 Nov 2026 13:37:00 GMT\r\n"
         "Content-Type: application/octet-stream\r\nContent-Length: " +
         std::to_string(body) + "\r\nConnection: keep-alive\r\n\r\n" + std::string(body, 'x');
}

// range(0): bytes of a body.
void record_exchanges(benchmark::State& state, Keeping keeping) {
  SyntheticService service(8 << 20);
  SyntheticThread& thread = service.add_thread(service.add_process());
  Recorder recorder(service, keeping);
  std::vector<abi::Cookie> sockets;
  for (abi::Cookie i = 0; i < kConnections; ++i) {
    sockets.push_back(kListener + 1 + i);
    thread.accept(kListener, sockets.back(), kPort, static_cast<std::uint16_t>(40'000 + i));
  }
  recorder.follow();
  std::minstd_rand random(1);
  const std::string request = get("/");
  const std::string response = answer(static_cast<std::size_t>(state.range(0)));
  const std::uint64_t bytes = recorder.archive_bytes();
  for (auto _ : state) {
    state.PauseTiming();
    for (int round = 0; round < kRounds; ++round) {
      thread.wait(sockets);
      thread.clock(1'700'000'000'000'000'000 + static_cast<std::int64_t>(service.stamp));
      for (const abi::Cookie socket : sockets) {
        service.stamp += 3000 + random() % 4096;
        thread.receive(socket, request);
        thread.send(socket, response);
      }
    }
    state.ResumeTiming();
    recorder.follow();
  }
  const auto recorded = static_cast<double>(state.iterations() * kRounds * kConnections);
  state.SetItemsProcessed(static_cast<std::int64_t>(recorded));
  state.counters["exchanges"] = recorded;
  state.counters["bytes/exchange"] =
      static_cast<double>(recorder.archive_bytes() - bytes) / recorded;
}
// As redis-server does it: commands that come 16 at a time, a clock read before and behind each.
void BM_JournalCommands(benchmark::State& state) {
  constexpr int kPipeline = 16;
  SyntheticService service(8 << 20);
  SyntheticThread& thread = service.add_thread(service.add_process());
  Recorder recorder(service, Keeping::kJournal);
  std::string commands, answers;
  for (int i = 0; i < kPipeline; ++i) {
    commands += "*2\r\n$3\r\nGET\r\n$16\r\nkey:__rand_int__\r\n";
    answers += "$-1\r\n";
  }
  std::vector<abi::Cookie> sockets;
  for (abi::Cookie i = 0; i < kConnections; ++i) {
    sockets.push_back(kListener + 1 + i);
    thread.accept(kListener, sockets.back(), kPort, static_cast<std::uint16_t>(40'000 + i));
  }
  recorder.follow();
  for (auto _ : state) {
    state.PauseTiming();
    for (int round = 0; round < kRounds / 4; ++round) {
      thread.wait(sockets);
      for (const abi::Cookie socket : sockets) {
        thread.receive(socket, commands);
        thread.clock(1'700'000'000'000'000'000 + static_cast<std::int64_t>(service.stamp));
        for (std::uint32_t i = 1; i < 2 * kPipeline; ++i) thread.clock_later(i * 300);
      }
      for (const abi::Cookie socket : sockets) thread.send(socket, answers);
    }
    state.ResumeTiming();
    recorder.follow();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * (kRounds / 4) *
                          static_cast<std::int64_t>(kConnections) * kPipeline);
}
BENCHMARK(BM_JournalCommands)->Iterations(64);

// What a recording does while the service runs.
void BM_JournalExchange(benchmark::State& state) { record_exchanges(state, Keeping::kJournal); }
BENCHMARK(BM_JournalExchange)->ArgName("body")->Arg(200)->Arg(4096)->Iterations(64);

// What a replay does, and whoever reads a journal first.
void BM_CollectExchange(benchmark::State& state) { record_exchanges(state, Keeping::kEvents); }
BENCHMARK(BM_CollectExchange)->ArgName("body")->Arg(200)->Arg(4096)->Iterations(64);

}  // namespace
}  // namespace reprise::recorder
