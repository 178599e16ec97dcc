// What a replay in real time measured. Plain data.
#pragma once

#include <cstdint>
#include <string>

#include "replayer/latencies.h"
#include "replayer/moment.h"

namespace reprise::replayer {

struct Performance {
  std::string schedule;  // "timed", "load"
  double speed = 1;      // timed
  // load
  std::uint64_t concurrency = 0;
  double rate = 0;  // requests a second that were asked for, 0: as fast as they are answered

  std::uint64_t requests = 0;        // exchanges that were begun
  std::uint64_t responses = 0;       // whole ones
  std::uint64_t as_recorded = 0;     // of these equal byte for byte
  std::uint64_t without_answer = 0;  // exchanges to which the recording has no answer, either
  std::uint64_t passes = 0;          // through the recording, begun
  std::uint64_t connections = 0;     // that were opened
  std::uint64_t most_in_flight = 0;  // requests that waited for their responses at once
  nanoseconds took{0};               // from the first request to the last response

  struct Errors {
    std::uint64_t connections = 0;  // that could not be made
    std::uint64_t statuses = 0;     // responses whose class of status is not the recorded one
    std::uint64_t missing = 0;      // responses that the recording has
  };
  Errors errors;

  // From when a request was sent whole, or, with a rate, from when it was to be, to when its
  // response was there.
  Latencies latencies;
  // load without a rate: how often each connection sent a request, on average.
  nanoseconds expected_interval{0};

  // timed. Inputs are connects, chunks of requests and ends.
  std::uint64_t inputs = 0;     // that were released
  std::uint64_t held_back = 0;  // of these: waited for a response that the recording had by then
  nanoseconds longest_held{0};  // after they were due
  Latencies offsets;            // of the others: how far from when they were due

  double per_second() const {
    return took > nanoseconds{0}
               ? static_cast<double>(responses) * 1e9 / static_cast<double>(took.count())
               : 0;
  }
};

}  // namespace reprise::replayer
