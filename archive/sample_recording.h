// A small made-up recording for tests: every kind of fact, several connections, calls and contents,
// the same on every run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "archive/format.h"
#include "archive/writer.h"
#include "event/exchange.h"

namespace reprise::archive {

struct SampleOptions {
  std::uint64_t exchanges = 20;
  std::uint64_t flush_every = 7;  // exchanges; 0 never
};

Header sample_header();

// One event of each kind of fact, all fields set.
std::vector<event::Event> one_of_each_fact();

// Appends the recording to `writer`: one_of_each_fact(), then exchanges on 3 keep-alive connections
// that each make a call, read a clock and write a log line. Stamps are nanoseconds.
void write_sample(Writer& writer, const SampleOptions& options = {});
Trailer sample_trailer();

// What exchange `id` of the sample received and sent, and its call.
std::string sample_request(std::uint64_t id);
std::string sample_response(std::uint64_t id);
std::string sample_call_request(std::uint64_t id);
std::string sample_call_response(std::uint64_t id);
std::string sample_log(std::uint64_t id);

// The events of exchange `id` in the sample.
inline constexpr std::uint64_t kSampleEventsPerExchange = 9;

}  // namespace reprise::archive
