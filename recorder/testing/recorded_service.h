// A synthetic service with the whole recorder behind it, up to the sink.
#pragma once

#include <span>
#include <string>

#include "recorder/collector.h"
#include "recorder/drain.h"
#include "recorder/process_watch.h"
#include "recorder/testing/collected_sink.h"
#include "recorder/testing/synthetic_service.h"

namespace reprise::recorder {

struct RecordedService {
  explicit RecordedService(std::uint64_t arena_bytes = 1 << 20)
      : service(arena_bytes),
        watch(service.arena()),
        surroundings(
            watch, [this] { return service.stamp; },
            [this](const event::Bytes& content) { return sink.store(content); }, {}),
        collector(sink, setting()),
        drain(service.arena(), watch, collector, Drain::Mode::kRecord),
        process(service.add_process()) {}

  CollectorSetting setting() {
    CollectorSetting setting;
    setting.surroundings = &surroundings;
    setting.ticks_per_second = 1'000'000;
    return setting;
  }

  SyntheticThread& thread(std::uint32_t ordinal = 0, std::uint32_t creator = abi::kNone) {
    return service.add_thread(process, ordinal, creator);
  }
  // Everything the service did so far reaches the collector.
  void collect() { drain.pass(); }
  // The service ends by exit, or is killed when it wrote no Exit record.
  void finish() {
    drain.finish(true);
    collector.finish();
  }

  SyntheticService service;
  CollectedSink sink;
  ProcessWatch watch;
  LiveSurroundings surroundings;
  Collector collector;
  Drain drain;
  std::uint32_t process;
};

inline std::string get(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: test\r\n\r\n";
}
inline std::string ok(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace reprise::recorder
