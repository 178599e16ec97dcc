#include "replayer/performance_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace reprise::replayer {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::pair<const char*, double> kPercentiles[] = {
    {"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}};
constexpr std::size_t kBarCells = 40;

std::string line(const char* name, const std::string& value) {
  return fmt::format("{:<13}{}\n", name, value);
}

double seconds(nanoseconds span) { return static_cast<double>(span.count()) / 1e9; }

// "870 ns", "12.3 us", "4.56 ms", "1.20 s"
std::string length_words(nanoseconds length) {
  const auto ns = static_cast<double>(length.count());
  if (ns < 1e3) return fmt::format("{} ns", length.count());
  if (ns < 1e6) return fmt::format("{:.1f} us", ns / 1e3);
  if (ns < 1e9) return fmt::format("{:.2f} ms", ns / 1e6);
  return fmt::format("{:.2f} s", ns / 1e9);
}

std::string percentile_words(const Latencies& latencies) {
  std::string text;
  for (const auto& [name, percent] : kPercentiles) {
    text += fmt::format("{} {}, ", name, length_words(latencies.at(percent)));
  }
  return text + "max " + length_words(latencies.longest());
}

// One line for each power of two, its bar as long as its share of the most frequent one's.
std::string histogram(const Latencies& latencies) {
  const auto bars = latencies.bars();
  std::uint64_t most = 1;
  for (const Latencies::Bar& bar : bars) most = std::max(most, bar.count);
  std::string text;
  for (const Latencies::Bar& bar : bars) {
    std::string cells;
    const std::uint64_t full = bar.count * kBarCells / most;
    for (std::uint64_t i = 0; i < std::max<std::uint64_t>(full, bar.count > 0 ? 1 : 0); ++i) {
      cells += "▇";
    }
    text += fmt::format("  < {:>9}  {:>9}  {}\n", length_words(bar.below), bar.count, cells);
  }
  return text;
}

std::string offset_lines(const Performance& performance) {
  std::string text =
      line("offsets",
           fmt::format("{} inputs at speed {:g}, from when they were due: {}", performance.inputs,
                       performance.speed, percentile_words(performance.offsets)));
  if (performance.held_back > 0) {
    text += line("held back",
                 fmt::format("{} inputs until a response that the recording had before them, "
                             "{} at most",
                             performance.held_back, length_words(performance.longest_held)));
  }
  return text;
}

std::string load_lines(const Performance& performance) {
  std::string text =
      line("load",
           fmt::format("{} connections at once, {} in all, {} requests in flight at most{}",
                       performance.concurrency, performance.connections, performance.most_in_flight,
                       performance.passes > 1
                           ? fmt::format(", {} passes through the recording", performance.passes)
                           : ""));
  if (performance.rate > 0) {
    text += line("rate", fmt::format("{:g} requests a second were asked for", performance.rate));
  }
  return text;
}

Json length_json(nanoseconds length) { return static_cast<double>(length.count()) / 1e3; }

Json latencies_json(const Latencies& latencies) {
  Json json;
  json["count"] = latencies.count();
  for (const auto& [name, percent] : kPercentiles) json[name] = length_json(latencies.at(percent));
  json["max"] = length_json(latencies.longest());
  return json;
}

Json histogram_json(const Latencies& latencies) {
  Json json = Json::array();
  for (const Latencies::Bar& bar : latencies.bars()) {
    json.push_back({{"below", length_json(bar.below)}, {"count", bar.count}});
  }
  return json;
}

}  // namespace

std::string performance_text(const Performance& performance) {
  const bool load = performance.schedule == "load";
  const Performance::Errors& errors = performance.errors;
  std::string text = load ? load_lines(performance) : offset_lines(performance);
  text += line("throughput",
               fmt::format("{:.0f} responses a second, {} in {:.3f} s", performance.per_second(),
                           performance.responses, seconds(performance.took)));
  text +=
      line("errors",
           fmt::format("{} responses missing, {} of another status class, {} connections failed",
                       errors.missing, errors.statuses, errors.connections));
  text += line("responses", fmt::format("{} of {} are the recorded ones byte for byte",
                                        performance.as_recorded, performance.responses));
  text += line("latency", percentile_words(performance.latencies));
  if (performance.expected_interval > nanoseconds{0}) {
    const Latencies corrected = performance.latencies.corrected(performance.expected_interval);
    text += line("  corrected", percentile_words(corrected));
    text += line("", fmt::format("for requests not sent while others waited, with one expected "
                                 "each {} on a connection",
                                 length_words(performance.expected_interval)));
  }
  return text + histogram(performance.latencies);
}

Json performance_json(const Performance& performance) {
  const bool load = performance.schedule == "load";
  Json json;
  json["schedule"] = performance.schedule;
  if (load) {
    json["concurrency"] = performance.concurrency;
    json["rate"] = performance.rate > 0 ? Json(performance.rate) : Json(nullptr);
    json["passes"] = performance.passes;
  } else {
    json["speed"] = performance.speed;
  }
  json["connections"] = performance.connections;
  json["requests"] = performance.requests;
  json["responses"] = performance.responses;
  json["as_recorded"] = performance.as_recorded;
  json["without_answer"] = performance.without_answer;
  json["errors"]["missing"] = performance.errors.missing;
  json["errors"]["statuses"] = performance.errors.statuses;
  json["errors"]["connections"] = performance.errors.connections;
  json["most_in_flight"] = performance.most_in_flight;
  json["took_s"] = seconds(performance.took);
  json["per_second"] = performance.per_second();
  json["latency_us"] = latencies_json(performance.latencies);
  json["histogram_us"] = histogram_json(performance.latencies);
  json["corrected_us"] = nullptr;
  if (performance.expected_interval > nanoseconds{0}) {
    Json& corrected = json["corrected_us"];
    corrected = latencies_json(performance.latencies.corrected(performance.expected_interval));
    corrected["expected_interval"] = length_json(performance.expected_interval);
  }
  if (!load) {
    json["inputs"] = performance.inputs;
    json["offset_us"] = latencies_json(performance.offsets);
    json["held_back"]["inputs"] = performance.held_back;
    json["held_back"]["longest_us"] = length_json(performance.longest_held);
  }
  return json;
}

}  // namespace reprise::replayer
