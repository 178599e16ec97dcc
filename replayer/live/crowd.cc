#include "replayer/live/crowd.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace reprise::replayer {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kReceiveBytes = 64 * 1024;
constexpr int kEventsAtOnce = 256;
constexpr unsigned long kTimerSlackNs = 1000;
// How often to look for responses that are waited for no longer.
constexpr milliseconds kLookEvery{100};
// Connections in a row that could not be made, after which no more are tried.
constexpr std::uint64_t kMostRefusals = 1000;

// "2" of "200"; another protocol's words are their own class.
std::string_view class_of(std::string_view status, event::Protocol protocol) {
  return protocol == event::Protocol::kHttp1 ? status.substr(0, 1) : status;
}

}  // namespace

Crowd::Crowd(const Plan& plan, Entrance& entrance, std::unique_ptr<Pacing> pacing,
             const LiveTime& time, bool tells_all)
    : plan_(plan),
      pacing_(std::move(pacing)),
      tells_all_(tells_all),
      poll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      setting_{.plan = plan,
               .entrance = entrance,
               .time = time,
               .poll = poll_,
               .buffer = std::vector<std::uint8_t>(kReceiveBytes),
               .outcomes = {}} {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = 0;
  ::epoll_ctl(poll_, EPOLL_CTL_ADD, wake_, &event);
}

Crowd::~Crowd() {
  stop("");
  clients_.clear();
  ::close(wake_);
  ::close(poll_);
}

void Crowd::start() {
  thread_ = std::thread([this] { run(); });
}

void Crowd::stop(const std::string& why) {
  if (!thread_.joinable()) return;
  why_ = why;
  stopping_.store(true, std::memory_order_release);
  const std::uint64_t one = 1;
  (void)!::write(wake_, &one, sizeof(one));
  thread_.join();
}

std::vector<DrivenExchange> Crowd::take_finished() {
  const std::lock_guard lock(finished_mutex_);
  return std::exchange(finished_, {});
}

// --- The clients' thread -----------------------------------------------------------------------

void Crowd::run() {
  ::prctl(PR_SET_TIMERSLACK, kTimerSlackNs);
  const Instant began = setting_.time.began();
  last_response_ = began;
  next_look_ = began + kLookEvery;
  while (!stopping_.load(std::memory_order_acquire)) {
    const Instant now = steady_clock::now();
    begin_courses(now);
    take_due_steps(now);
    if (now >= next_look_) give_up_late(now);
    settle();
    const bool refused = refusals_ >= kMostRefusals;
    if (clients_.empty() && (refused || !pacing_->next_begin(now, 0))) break;
    wait(next_due(now));
  }
  for (auto& [number, client] : clients_) client->give_up(why_);
  settle();
  performance_.passes = pacing_->passes();
  performance_.took = last_response_ - began;
  done_.store(true, std::memory_order_release);
}

void Crowd::begin_courses(Instant now) {
  while (refusals_ < kMostRefusals) {
    const auto due = pacing_->next_begin(now, clients_.size());
    if (!due || *due > now) return;
    const std::uint64_t number = ++performance_.connections;
    clients_[number] = std::make_unique<LiveClient>(setting_, pacing_->begin(), number);
    advance(number);
    settle();
  }
}

void Crowd::take_due_steps(Instant now) {
  while (!due_.empty() && due_.top().at <= now) {
    const Due due = due_.top();
    due_.pop();
    const auto client = clients_.find(due.client);
    if (client == clients_.end() || client->second->next() == nullptr) continue;
    if (client->second->may_step()) {
      take_step(*client->second, due.at, steady_clock::now());
      advance(due.client);
    } else {
      client->second->held_since = due.at;
    }
  }
}

// Takes what steps a client may, as far as they are due.
void Crowd::advance(std::uint64_t number) {
  LiveClient& client = *clients_.at(number);
  while (const Step* step = client.next()) {
    if (!advance(client, number, *step)) break;
  }
  if (client.is_over()) over_.push_back(number);
}

// False when its next step has to wait.
bool Crowd::advance(LiveClient& client, std::uint64_t number, const Step& step) {
  const bool may = client.may_step();
  if (!may && (client.held_since || !pacing_->keeps_offsets())) return false;
  const Instant now = steady_clock::now();
  if (client.held_since) {
    take_step(client, *client.held_since, now);
    return true;
  }
  if (client.has_due) return false;
  const auto due = pacing_->due(step, now);
  if (!due) {
    client.stop_here();
  } else if (*due > now) {
    client.has_due = true;
    due_.push({*due, number});
    return false;
  } else if (!may) {
    client.held_since = *due;
    return false;
  } else {
    take_step(client, *due, now);
  }
  return true;
}

void Crowd::take_step(LiveClient& client, Instant due, Instant now) {
  count_offset(client, due, now);
  client.held_since.reset();
  client.has_due = false;
  // Where requests have times that the recording knows nothing of, one that is late has waited.
  client.take_step(now, pacing_->keeps_offsets() ? now : due);
  performance_.most_in_flight = std::max(performance_.most_in_flight, setting_.in_flight);
}

void Crowd::count_offset(LiveClient& client, Instant due, Instant now) {
  ++performance_.inputs;
  if (client.held_since) {
    ++performance_.held_back;
    performance_.longest_held = std::max(performance_.longest_held, nanoseconds{now - due});
  } else {
    performance_.offsets.record(now - due);
  }
}

Instant Crowd::next_due(Instant now) {
  Instant next = next_look_;
  if (!due_.empty()) next = std::min(next, due_.top().at);
  if (const auto begin = pacing_->next_begin(now, clients_.size())) next = std::min(next, *begin);
  return next;
}

void Crowd::wait(Instant until) {
  epoll_event events[kEventsAtOnce];
  const nanoseconds left = std::max(nanoseconds{0}, nanoseconds{until - steady_clock::now()});
  const timespec timeout{left.count() / 1'000'000'000, left.count() % 1'000'000'000};
  const int ready = ::epoll_pwait2(poll_, events, kEventsAtOnce, &timeout, nullptr);
  for (int i = 0; i < ready; ++i) {
    const auto client = clients_.find(events[i].data.u64);
    if (client == clients_.end()) continue;
    client->second->on_ready(events[i].events);
    settle();
    advance(events[i].data.u64);
  }
}

// Takes in what came of requests, and lets go of the clients that are done.
void Crowd::settle() {
  if (!setting_.outcomes.empty()) {
    const Instant now = steady_clock::now();
    for (LiveClient::Outcome& outcome : setting_.outcomes) count(outcome, now);
    setting_.outcomes.clear();
  }
  for (const std::uint64_t number : over_) {
    const auto client = clients_.find(number);
    if (client == clients_.end()) continue;
    const bool failed = client->second->connect_failed();
    performance_.errors.connections += failed ? 1 : 0;
    refusals_ = failed ? refusals_ + 1 : 0;
    clients_.erase(client);
  }
  over_.clear();
}

void Crowd::count(LiveClient::Outcome& outcome, Instant now) {
  const RecordedExchange& recorded = *outcome.recorded;
  Answer& answer = outcome.answer;
  ++performance_.requests;
  finished_count_.fetch_add(1, std::memory_order_relaxed);
  const bool missing = !outcome.problem.empty();
  bool wrong = false;
  if (missing) {
    ++performance_.errors.missing;
  } else if (!recorded.answered()) {
    ++performance_.without_answer;
  } else {
    ++performance_.responses;
    performance_.latencies.record(now - outcome.from);
    last_response_ = now;
    const bool equal = answer.equal && answer.length == recorded.response.size();
    performance_.as_recorded += equal ? 1 : 0;
    wrong = !equal && class_of(answer.status, recorded.protocol) !=
                          class_of(plan_.names[recorded.status], recorded.protocol);
    performance_.errors.statuses += wrong ? 1 : 0;
  }
  if (!missing && !wrong && !tells_all_) return;
  const std::lock_guard lock(finished_mutex_);
  finished_.push_back({&recorded, std::move(answer), std::move(outcome.problem)});
}

void Crowd::give_up_late(Instant now) {
  next_look_ = now + kLookEvery;
  for (auto& [number, client] : clients_) {
    if (client->gives_up_at() > now) continue;
    client->give_up("no answer within its time");
    over_.push_back(number);
  }
}

}  // namespace reprise::replayer
