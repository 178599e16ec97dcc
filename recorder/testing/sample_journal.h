// A service that is the same on every run, and recorders that keep a journal of it, for tests.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "archive/memory_file.h"
#include "archive/sample_journal.h"
#include "archive/writer.h"
#include "recorder/journal.h"
#include "recorder/testing/recorded_service.h"

namespace reprise::recorder {

inline constexpr abi::Cookie kSampleListener = 1;
inline constexpr std::uint64_t kSecond = 1'000'000;  // ticks of RecordedService
inline constexpr int kSampleSteps = 400;

// A service of two threads, a call to an upstream now and then, and requests in pieces.
class Workload {
 public:
  explicit Workload(RecordedService& recorded)
      : stamp_(recorded.service.stamp), threads_{&recorded.thread(0), &recorded.thread(1, 0)} {
    threads_[0]->write(abi::RecordType::kListen, abi::Listen{kSampleListener, 10, 0, loopback(80)});
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
      thread.accept(kSampleListener, cookie, 80, static_cast<std::uint16_t>(5000 + cookie));
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
        thread.clock_later(3);
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

// A recorder that keeps a journal of a synthetic service.
struct JournalKeeper {
  JournalKeeper(RecordedService& recorded, std::unique_ptr<archive::Writer> to, Drain::Mode mode)
      : writer(std::move(to)),
        watch(recorded.service.arena()),
        surroundings(
            watch, [&recorded] { return recorded.service.stamp; },
            [this](const event::Bytes& content) { return writer->store(content); }, {}),
        journal(*writer, surroundings, nullptr),
        drain(recorded.service.arena(), watch, journal, mode) {}

  void write() {
    journal.hand_on();
    if (!writer->flush()) std::abort();
  }
  void finish() {
    drain.finish(true);
    journal.finish();
    journal.hand_on();
    if (!writer->finish({})) std::abort();
  }

  std::unique_ptr<archive::Writer> writer;
  ProcessWatch watch;
  LiveSurroundings surroundings;
  Journal journal;
  Drain drain;
};

inline std::unique_ptr<archive::Writer> new_journal(
    const std::shared_ptr<archive::MemoryDisk>& disk) {
  archive::Header header = archive::journal_header(abi::kRecordVersion);
  header.stamps_per_second = kSecond;
  return *archive::Writer::create(std::make_unique<archive::MemoryFile>(disk), header, {});
}

// The journal of a Workload of kSampleSteps, written in blocks of 17 steps.
inline std::shared_ptr<archive::MemoryDisk> sample_journal() {
  RecordedService recorded;
  auto disk = std::make_shared<archive::MemoryDisk>();
  JournalKeeper keeper(recorded, new_journal(disk), Drain::Mode::kRecord);
  Workload workload(recorded);
  for (int step = 0; step < kSampleSteps; ++step) {
    workload.step();
    if (step % 17 != 0) continue;
    keeper.drain.pass();
    keeper.write();
    keeper.drain.settle();
  }
  keeper.finish();
  return disk;
}

}  // namespace reprise::recorder
