#include "replayer/live/live_replay.h"

#include <sys/prctl.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <deque>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "replayer/accounts.h"
#include "replayer/clock.h"
#include "replayer/doorbell.h"
#include "replayer/ending.h"
#include "replayer/leak_watch.h"
#include "replayer/live/course.h"
#include "replayer/live/crowd.h"
#include "replayer/live/marked_entrance.h"
#include "replayer/live/measurement.h"
#include "replayer/questions.h"
#include "replayer/quiescence.h"
#include "replayer/responder.h"
#include "replayer/stage.h"
#include "replayer/threads.h"

namespace reprise::replayer {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr milliseconds kLongestWait{10};
// How often a service is looked after that asks nothing and calls nobody. To wake for each of its
// waits would take the processor from it.
constexpr milliseconds kTick{1};
constexpr unsigned long kTimerSlackNs = 1000;
// Real time a service has to listen. One that rests for a while without listening never will.
constexpr seconds kStartPatience{60};
constexpr seconds kRestPatience{2};
// Real time that what the service does after its last answer may take, unless it rests before.
constexpr seconds kWorkPatience{2};
constexpr milliseconds kRestBeforeEnd{20};

bool calls_nobody(const Plan& plan) {
  return plan.connects.empty() && plan.lookups.empty() && plan.calls.empty();
}

// The nth exchange of a connection is the nth in the recording.
bool is_numbered_alike(const Plan& plan) {
  return std::ranges::all_of(plan.connections, [&](const auto& entry) {
    const RecordedConnection& connection = entry.second;
    const std::uint64_t first = connection.greetings + 1;
    return connection.direction != event::Direction::kInbound ||
           plan.ordinal_of(connection.id, first) == first;
  });
}

}  // namespace

bool needs_contexts(const Plan& plan, const LiveOptions& options) {
  return !options.load || !calls_nobody(plan) || !is_numbered_alike(plan);
}

class LiveReplay::Run {
 public:
  Run(LiveReplay& owner, Service& service);

  [[nodiscard]] tl::expected<void, Error> replay();
  void on_event(const event::Event& event);

 private:
  bool is_load() const { return owner_.options_.load.has_value(); }
  bool begins_now() const;
  tl::expected<void, Error> await_listening();
  void drive();
  void turn();
  bool needs_prompt_answers() const;
  void take_in();
  void pass_time();
  Moment earliest_deadline() const;
  void release_outputs();
  void note_signals();
  void send_signals(bool all);
  void settle_finished();
  void let_work_finish();
  event::Context recorded(const event::Context& context);
  void finish_ledger();

  LiveReplay& owner_;
  Service& service_;
  const Plan& plan_;
  const bool knows_contexts_;
  boost::asio::io_context io_{1};
  Clock clock_;
  Matcher matcher_;
  Delivery delivery_;
  tls::Identities identities_;
  Stage stage_;
  Threads threads_;
  Quiescence quiescence_;
  Doorbell doorbell_;
  LeakWatch leaks_;
  MarkedEntrance entrance_;
  Accounts accounts_;
  Responder responder_;
  Questions questions_;
  Ending ending_;
  const std::vector<Course> courses_;
  struct DueSignal {
    const Unit* unit = nullptr;
    std::uint64_t needs = 0;  // exchanges that the recording had answered before it
    bool last = false;        // no request came after it
  };
  std::deque<DueSignal> signals_;  // not sent yet
  LiveTime time_;
  std::unique_ptr<Crowd> crowd_;
  std::string stopped_;  // why it goes no further
};

LiveReplay::Run::Run(LiveReplay& owner, Service& service)
    : owner_(owner),
      service_(service),
      plan_(owner.plan_),
      knows_contexts_(needs_contexts(plan_, owner.options_)),
      clock_(owner.control_, plan_, false),
      matcher_(plan_),
      stage_{plan_,
             owner.control_,
             clock_,
             matcher_,
             owner.ledger_,
             service,
             delivery_,
             identities_,
             owner.options_.on_miss,
             false,
             owner.options_.load.has_value()},
      threads_(service.arena()),
      quiescence_(threads_),
      doorbell_(service.arena()),
      entrance_(stage_),
      accounts_(stage_, entrance_),
      responder_(io_, stage_),
      questions_(stage_, entrance_, responder_, leaks_, threads_),
      ending_(stage_, threads_, [this] { take_in(); }),
      courses_(lay_courses(plan_)),
      time_(plan_.began, steady_clock::now(), owner.options_.speed) {
  clock_.let_pass();
  if (is_load()) {
    matcher_.give_again();
    owner_.ledger_.tell_once();
  }
  note_signals();
  stage_.recorded = [this](const event::Context& context) { return recorded(context); };
  // Too many to be told apart by: a call without a known context is looked for without.
  stage_.in_flight = [] { return std::vector<event::ExchangeId>(); };
  stage_.expect = [](event::ThreadId) {};
  stage_.stop = [this](std::string why) { stopped_ = std::move(why); };
}

tl::expected<void, Error> LiveReplay::Run::replay() {
  if (auto started = responder_.start(); !started) return started;
  ::prctl(PR_SET_TIMERSLACK, kTimerSlackNs);  // the service has started: it keeps its own
  if (auto listening = await_listening(); !listening) {
    ending_.abandon();
    return listening;
  }
  drive();
  let_work_finish();
  if (!service_.exited()) {
    send_signals(true);
    (void)ending_.step();
  }
  ending_.finish();
  settle_finished();
  finish_ledger();
  return {};
}

// --- Before and after --------------------------------------------------------------------------

bool LiveReplay::Run::begins_now() const {
  return std::ranges::all_of(
      courses_, [this](const Course& course) { return entrance_.is_open_for(*course.connection); });
}

tl::expected<void, Error> LiveReplay::Run::await_listening() {
  const auto limit = steady_clock::now() + kStartPatience;
  std::optional<Instant> rests_since;
  while (!begins_now() && !service_.exited()) {
    turn();
    const Instant now = steady_clock::now();
    if (quiescence_.look(clock_.now()) != Rest::kQuiescent)
      rests_since.reset();
    else if (!rests_since)
      rests_since = now;
    if (now < limit && (!rests_since || now - *rests_since < kRestPatience)) continue;
    const std::string instead = entrance_.unrecorded_listeners();
    return tl::unexpected(
        Error{Error::Kind::kEnvironment,
              "the service does not listen on every address where the recording has its clients" +
                  (instead.empty() ? "" : ", but on " + instead) + ": " + quiescence_.describe() +
                  "; start it with the arguments it was recorded with"});
  }
  return {};
}

// What is still done after the last answer, for as long as anything moves.
void LiveReplay::Run::let_work_finish() {
  const Instant limit = steady_clock::now() + kWorkPatience;
  std::optional<Instant> rests_since;
  while (!service_.exited() && steady_clock::now() < limit) {
    turn();
    const bool rests = quiescence_.look(clock_.now()) == Rest::kQuiescent && !responder_.owes();
    const Instant now = steady_clock::now();
    if (!rests)
      rests_since.reset();
    else if (!rests_since)
      rests_since = now;
    if (rests_since && now - *rests_since >= kRestBeforeEnd) return;
  }
}

// --- In between --------------------------------------------------------------------------------

void LiveReplay::Run::drive() {
  const Instant now = steady_clock::now();
  const Moment first = courses_.empty() ? clock_.now() : courses_.front().steps.front().at;
  time_ = LiveTime(std::max(first, clock_.now()), now, owner_.options_.speed);
  crowd_ = std::make_unique<Crowd>(plan_, entrance_, pace(courses_, owner_.options_, now), time_,
                                   !is_load());
  crowd_->start();
  while (!crowd_->is_done() && stopped_.empty() && !service_.exited()) {
    turn();
    send_signals(false);
  }
  crowd_->stop(service_.exited() ? "the service ended" : "the replay was stopped");
  if (!stopped_.empty()) owner_.ledger_.note("stopped: " + stopped_);
}

void LiveReplay::Run::turn() {
  const bool prompt = needs_prompt_answers();
  if (prompt) doorbell_.arm();
  take_in();
  pass_time();
  release_outputs();
  settle_finished();
  Moment next = earliest_deadline();
  if (const auto output = responder_.next_due(false)) next = std::min(next, *output);
  nanoseconds longest = prompt ? kLongestWait : kTick;
  if (next != kNever) {
    const nanoseconds left = time_.when(next) - steady_clock::now();
    longest = std::clamp(left, nanoseconds{0}, longest);
  }
  if (prompt) {
    doorbell_.wait(std::chrono::ceil<microseconds>(longest));
  } else {
    std::this_thread::sleep_for(longest);
  }
}

// Whoever asks, or calls a peer, waits until it is answered.
bool LiveReplay::Run::needs_prompt_answers() const {
  return crowd_ == nullptr || !plan_.connects.empty() || !plan_.lookups.empty() ||
         entrance_.somebody_comes();
}

void LiveReplay::Run::take_in() {
  for (;;) {
    service_.drain();
    threads_.refresh();
    const bool answered = questions_.answer_all();
    const bool io = io_.poll() > 0;
    if (!answered && !io) break;
    io_.restart();
  }
  responder_.sweep();
}

void LiveReplay::Run::pass_time() {
  const Moment now = time_.at(steady_clock::now());
  clock_.pass_to(now);
  if (earliest_deadline() <= now) owner_.control_.wake_sleepers();
}

Moment LiveReplay::Run::earliest_deadline() const {
  Moment earliest = kNever;
  for (const std::uint32_t slot : threads_.slots()) {
    if (!threads_.is_live(slot)) continue;
    const std::uint64_t deadline =
        threads_.thread(slot).deadline_ns.load(std::memory_order_acquire);
    if (deadline == abi::kNoDeadline) continue;
    earliest = std::min(earliest, Moment{static_cast<std::int64_t>(deadline)});
  }
  return earliest;
}

void LiveReplay::Run::release_outputs() {
  while (const auto due = responder_.next_due(false)) {
    if (*due > clock_.now()) return;
    responder_.release(kNever, false);
  }
}

void LiveReplay::Run::note_signals() {
  for (const Unit& unit : plan_.units) {
    if (unit.signal == 0) continue;
    DueSignal& signal = signals_.emplace_back(DueSignal{.unit = &unit, .last = true});
    for (const Course& course : courses_) {
      // The end of a connection, and even of a response, may have been noted after a signal that
      // came later.
      signal.last = signal.last && !begins_after(course, unit.at);
      signal.needs += answered_by(plan_, course, unit.at);
    }
  }
}

// Those that the recording had by now, after the responses that it had before them. What ends the
// service comes after the clients: a load sends no other.
void LiveReplay::Run::send_signals(bool all) {
  for (; !signals_.empty(); signals_.pop_front()) {
    const DueSignal& signal = signals_.front();
    const bool due = !is_load() && !signal.last && signal.unit->at <= clock_.now() &&
                     crowd_->finished() >= signal.needs;
    if (!due && !all) return;
    if (due || signal.last) {
      ending_.send(signal.unit->signal, signal.unit->process);
    } else {
      owner_.ledger_.note("signal " + std::to_string(signal.unit->signal) + " was not sent");
    }
  }
}

event::Context LiveReplay::Run::recorded(const event::Context& context) {
  if (!is_load()) return accounts_.recorded(context);
  if (!knows_contexts_) return event::Context::unattributed();
  if (context.kind != event::Context::Kind::kExchange) return context;
  const event::Exchange* exchange = service_.exchange(context.exchange);
  const event::ExchangeId id =
      exchange == nullptr ? event::ExchangeId{}
                          : entrance_.recorded_exchange(exchange->connection, exchange->ordinal);
  return id ? event::Context::of(id) : event::Context::background();
}

void LiveReplay::Run::settle_finished() {
  if (crowd_ == nullptr) return;
  std::vector<DrivenExchange> finished = crowd_->take_finished();
  if (is_load()) {
    for (const DrivenExchange& exchange : finished) tell_error(owner_.ledger_, plan_, exchange);
  } else {
    accounts_.settle(finished);
  }
  if (owner_.options_.on_progress) {
    owner_.options_.on_progress(crowd_->finished(), plan_.selected);
  }
}

void LiveReplay::Run::on_event(const event::Event& event) {
  entrance_.on_event(event);
  responder_.on_event(event);
  if (!is_load()) accounts_.on_event(event);
}

void LiveReplay::Run::finish_ledger() {
  Ledger& ledger = owner_.ledger_;
  tell_performance(ledger, plan_, crowd_->performance(), owner_.options_);
  if (!is_load()) accounts_.close();
  tell_given(stage_, leaks_);
  ledger.sort_divergences();
}

LiveReplay::LiveReplay(const Plan& plan, Control& control, LiveOptions options)
    : plan_(plan), control_(control), options_(std::move(options)) {}

LiveReplay::~LiveReplay() = default;

tl::expected<void, Error> LiveReplay::run(Service& service) {
  run_ = std::make_unique<Run>(*this, service);
  return run_->replay();
}

void LiveReplay::on_event(const event::Event& event) {
  if (run_ != nullptr) run_->on_event(event);
}

}  // namespace reprise::replayer
