#include "cli/schedule_choice.h"

#include <cmath>
#include <vector>

namespace reprise::cli {
namespace {

constexpr char kHelp[] =
    "Which exchange is released when: one after the other (serial); all as they overlapped, with "
    "one thread of the service running at a time in the recorded order (recorded); in real time, "
    "each input at its recorded offset (timed); as fast as they are answered, on so many "
    "connections at once (load).";

bool is_positive(double value) { return std::isfinite(value) && value > 0; }

}  // namespace

void ScheduleChoice::declare(Arguments& arguments) {
  std::vector<std::string> names = replayer::schedule_names();
  names.insert(names.end(), {"timed", "load"});
  arguments.choice(name_, "--schedule", names, kHelp);
  arguments.option(speed_, "--speed", "X",
                   "With timed: time passes X times as fast as in the recording. Default: 1.");
  arguments.option(concurrency_, "--concurrency", "N",
                   "With load: so many recorded connections are under way at once.");
  arguments.option(requests_, "--requests", "M",
                   "With load: go through the recording again until M requests were sent.");
  arguments.option(duration_, "--duration", "TIME",
                   "With load: go through the recording again until TIME is over.");
  arguments.option(rate_, "--rate", "R",
                   "With load: R requests a second, and latencies from when each was due.");
  arguments.flag(
      plain_, "--without-agent",
      "With timed and load: the service runs as it is, with its real dependencies; nothing "
      "is answered from ARCHIVE, and nothing is recorded.");
  arguments.option(port_, "--port", "N",
                   "With --without-agent: the port of this machine that the service listens on. "
                   "Default: the recorded one.");
}

std::string ScheduleChoice::stray_option() const {
  if (speed_ && name_ != "timed") return "--speed goes with --schedule timed";
  if (plain_ && !is_live()) return "--without-agent goes with --schedule timed or load";
  if (port_ && !plain_) return "--port goes with --without-agent";
  if (name_ == "load") return "";
  const char* option = concurrency_ ? "--concurrency"
                       : requests_  ? "--requests"
                       : duration_  ? "--duration"
                       : rate_      ? "--rate"
                                    : nullptr;
  return option == nullptr ? "" : std::string(option) + " goes with --schedule load";
}

std::string ScheduleChoice::mistake() const {
  if (std::string stray = stray_option(); !stray.empty()) return stray;
  if (speed_ && !is_positive(*speed_)) return "--speed takes a number above 0";
  if (rate_ && !is_positive(*rate_)) return "--rate takes a number above 0";
  if (port_ && (*port_ == 0 || *port_ > 65535)) return "--port takes a number from 1 to 65535";
  if (name_ != "load") return "";
  if (!concurrency_) return "--schedule load takes --concurrency N";
  if (*concurrency_ == 0) return "--concurrency takes a number from 1 on";
  if (requests_ && duration_) return "--requests and --duration do not go together";
  if (requests_ == 0) return "--requests takes a number from 1 on";
  if (duration_ && duration_->count() <= 0) return "--duration takes a time above 0";
  return "";
}

std::optional<std::uint16_t> ScheduleChoice::port() const {
  return port_ ? std::optional(static_cast<std::uint16_t>(*port_)) : std::nullopt;
}

replayer::LiveOptions ScheduleChoice::live() const {
  replayer::LiveOptions options;
  options.speed = speed_.value_or(1);
  if (name_ != "load") return options;
  options.load = {.concurrency = *concurrency_,
                  .requests = requests_,
                  .duration = duration_,
                  .rate = rate_.value_or(0)};
  return options;
}

}  // namespace reprise::cli
