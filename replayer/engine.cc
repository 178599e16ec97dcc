#include "replayer/engine.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <algorithm>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <string>
#include <utility>

#include "replayer/accounts.h"
#include "replayer/clock.h"
#include "replayer/debugger_commands.h"
#include "replayer/doorbell.h"
#include "replayer/driver.h"
#include "replayer/ending.h"
#include "replayer/leak_watch.h"
#include "replayer/questions.h"
#include "replayer/quiescence.h"
#include "replayer/real_time.h"
#include "replayer/responder.h"
#include "replayer/stage.h"
#include "replayer/stillness.h"
#include "replayer/threads.h"
#include "replayer/turns.h"

namespace reprise::replayer {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How long to sleep when nobody can ring: a thread that runs may never wait, and one that is killed
// rings nothing.
constexpr microseconds kBusyWait = milliseconds(10);
// A thread that is about to run does so within a scheduler's breath: it is given way to so many
// times, which costs less than to sleep, and then slept for. A real timer's slack would triple that
// sleep.
constexpr int kYields = 8;
constexpr microseconds kWakingWait{50};
constexpr unsigned long kTimerSlackNs = 1000;
// Real time that a thread may run while another one waits for its turn. One that runs longer may
// spin until that one has got somewhere.
constexpr milliseconds kSpinPatience{2000};
// Real time after which a service that rests is not about to listen any more: processes that start
// others may look at rest in between.
constexpr milliseconds kStartPatience{1000};

}  // namespace

// One run against one service.
class Engine::Run {
 public:
  Run(Engine& engine, Service& service);

  [[nodiscard]] tl::expected<void, Error> replay();
  void on_event(const event::Event& event);

 private:
  bool is_over();
  bool is_held() const;
  bool has_ended();
  Board board(bool quiescent);
  bool act();
  void release(Release what);
  bool never_listens();
  void release_unit(bool early);
  void expire_answer();
  void pass_time();
  event::ThreadId reader_of(Release what);
  void give_turn(const Turns::Held& held);
  void relieve_spinner();
  void fire_deadline();
  void settle_finished();
  void finish_ledger();
  std::string unreplayed() const;

  Engine& engine_;
  Service& service_;
  const Plan& plan_;
  boost::asio::io_context io_{1};
  Clock clock_;
  Matcher matcher_;
  Delivery delivery_;
  tls::Identities identities_;
  Stage stage_;
  Threads threads_;
  Quiescence quiescence_;
  Turns turns_;
  Doorbell doorbell_;
  RealTime real_time_;
  microseconds longest_wait_ = kBusyWait;
  LeakWatch leaks_;
  Driver driver_;
  Accounts accounts_;
  Responder responder_;
  Questions questions_;
  Stillness stillness_;
  Ending ending_;
  std::optional<DebuggerCommands> debugger_;
  std::size_t next_unit_ = 0;
  std::uint64_t fired_ = 0;
  std::optional<steady_clock::time_point> never_listens_since_, busy_since_;
  bool done_ = false;
  std::optional<Error> error_;
};

Engine::Run::Run(Engine& engine, Service& service)
    : engine_(engine),
      service_(service),
      plan_(engine.plan_),
      clock_(engine.control_, plan_, engine.schedule_->is_as_recorded()),
      matcher_(plan_),
      stage_{plan_,
             engine.control_,
             clock_,
             matcher_,
             engine.ledger_,
             service,
             delivery_,
             identities_,
             engine.options_.on_miss,
             engine.schedule_->is_as_recorded()},
      threads_(service.arena()),
      quiescence_(threads_),
      turns_(plan_, engine.control_, threads_),
      doorbell_(service.arena()),
      real_time_(engine.options_.real_time, steady_clock::now()),
      driver_(io_, stage_),
      accounts_(stage_, driver_),
      responder_(io_, stage_),
      questions_(stage_, driver_, responder_, leaks_, threads_),
      stillness_(io_, service, threads_, quiescence_, questions_, driver_, responder_),
      ending_(stage_, threads_, [this] { stillness_.take_in(); }) {
  if (engine.options_.debugger != nullptr) {
    debugger_.emplace(*engine.options_.debugger, stage_, threads_, engine.options_.stop_at);
  }
  stage_.recorded = [this](const event::Context& context) { return accounts_.recorded(context); };
  stage_.in_flight = [this] { return driver_.outstanding(); };
  stage_.expect = [this](event::ThreadId thread) { turns_.expect(thread); };
  stage_.stop = [this](std::string why) {
    engine_.ledger_.note("stopped: " + std::move(why));
    done_ = true;
  };
}

tl::expected<void, Error> Engine::Run::replay() {
  if (auto started = responder_.start(); !started) return started;
  ::prctl(PR_SET_TIMERSLACK, kTimerSlackNs);  // the service has started: it keeps its own
  int yields = 0;
  while (!is_over()) {
    doorbell_.arm();
    if (debugger_) debugger_->serve();
    const Rest rest = stillness_.look(clock_.now());
    if (rest == Rest::kQuiescent && !is_held()) {
      if (!done_) {
        if (act()) continue;
      } else if (!error_) {
        pass_time();
      }
    } else if (rest == Rest::kBusy) {
      never_listens_since_.reset();
      if (!is_held()) relieve_spinner();
    }
    if (rest != Rest::kBusy) busy_since_.reset();
    if (rest == Rest::kWaking && yields < kYields) {
      ++yields;
      ::sched_yield();
      continue;
    }
    yields = 0;
    const microseconds longest = std::exchange(longest_wait_, kBusyWait);
    const bool rang = doorbell_.wait(rest == Rest::kWaking ? kWakingWait : longest);
    if (!rang && has_ended()) break;
  }
  stillness_.take_in();
  if (error_) {
    ending_.abandon();
    return tl::unexpected(*error_);
  }
  // Of a service that has ended all there is was taken in.
  if (has_ended()) driver_.give_up("the service ended");
  ending_.finish();
  settle_finished();
  accounts_.close();
  finish_ledger();
  return {};
}

// A service under a debugger is nobody's but the debugger's to end.
bool Engine::Run::is_over() { return done_ && (!debugger_ || service_.exited()); }

// A service that put itself into the background goes on when the process that was started has
// ended.
bool Engine::Run::has_ended() {
  if (!service_.exited()) return false;
  return !service_.alive() || std::ranges::none_of(threads_.slots(), [this](std::uint32_t slot) {
    return threads_.is_live(slot);
  });
}

bool Engine::Run::is_held() const { return debugger_ && debugger_->holds(); }

Board Engine::Run::board(bool quiescent) {
  Board board;
  board.now = clock_.now();
  board.quiescent = quiescent;
  if (next_unit_ < plan_.units.size()) {
    const Unit& unit = plan_.units[next_unit_];
    board.unit = {unit.at, unit.exchanges > 0, driver_.ready_for(unit)};
  }
  board.step = driver_.next_due();
  board.output = responder_.next_due(false);
  if (quiescence_.earliest_deadline() != kNever) board.deadline = quiescence_.earliest_deadline();
  if (const auto held = turns_.next()) board.turn = held->step;
  if (const auto expected = driver_.expected()) {
    board.outstanding = true;
    board.outstanding_answered = expected->answered;
    board.outstanding_recorded_end = expected->recorded_end;
    board.outstanding_end = expected->end;
    if (const RecordedExchange* next = driver_.answered_next()) {
      board.answer_expected = next->last_byte_out;
    }
    board.blocked_output = !board.output && responder_.next_due(true).has_value();
  }
  board.fired = fired_;
  return board;
}

// The service rests: releases something. False when nothing is to be released yet.
bool Engine::Run::act() {
  settle_finished();
  if (has_ended()) {
    done_ = true;
    return true;
  }
  const Board rest = board(true);
  const Release what = engine_.schedule_->choose(rest);
  if (what == Release::kNotListening && !never_listens()) return false;
  if (const auto reader = turns_.held_by(reader_of(what))) {
    give_turn(*reader);
    return true;
  }
  const auto left = real_time_.left(due_of(what, rest) - rest.now, steady_clock::now());
  if (left > nanoseconds{0}) {
    longest_wait_ = std::min(kBusyWait, std::chrono::ceil<microseconds>(left));
    return false;
  }
  release(what);
  real_time_.released(clock_.now() - rest.now, steady_clock::now());
  return true;
}

bool Engine::Run::never_listens() {
  const auto now = steady_clock::now();
  if (!never_listens_since_) never_listens_since_ = now;
  return now - *never_listens_since_ >= kStartPatience;
}

void Engine::Run::release(Release what) {
  const Moment limit = quiescence_.earliest_deadline();
  if (what != Release::kDeadline && what != Release::kTurn) fired_ = 0;
  if (what != Release::kTurn) turns_.expect_nobody();
  stillness_.released();
  switch (what) {
    case Release::kNothing:
      return;
    case Release::kStep:
      driver_.step(limit);
      return;
    case Release::kOutput:
      responder_.release(limit, false);
      return;
    case Release::kForcedOutput:
      responder_.release(limit, true);
      return;
    case Release::kUnit:
      release_unit(false);
      return;
    case Release::kUnitEarly:
      release_unit(true);
      return;
    case Release::kTurn:
      give_turn(*turns_.next());
      return;
    case Release::kDeadline:
      fire_deadline();
      return;
    case Release::kExpire:
      expire_answer();
      return;
    case Release::kGiveUp:
      engine_.ledger_.wait_expired();
      driver_.give_up("no answer: " + quiescence_.describe());
      return;
    case Release::kNotListening:
      error_ = Error{Error::Kind::kEnvironment, unreplayed()};
      done_ = true;
      if (debugger_) debugger_->cannot_go_on(error_->message);
      if (engine_.options_.on_stuck) engine_.options_.on_stuck();
      return;
    case Release::kFinish:
      if (ending_.step()) done_ = true;
      return;
  }
}

void Engine::Run::release_unit(bool early) {
  const Unit& unit = plan_.units[next_unit_++];
  if (unit.signal != 0) {
    clock_.release(unit.at, event::Context::background(), quiescence_.earliest_deadline());
    ending_.send(unit.signal, unit.process);
    return;
  }
  if (early) engine_.ledger_.released_early();
  const auto stop_at = debugger_ ? debugger_->stop_in(unit) : std::nullopt;
  driver_.release(unit, quiescence_.earliest_deadline(), stop_at);
}

// The service rests and will not answer what the recording had answered before what comes next.
void Engine::Run::expire_answer() {
  const RecordedExchange& exchange = *driver_.answered_next();
  driver_.expire(exchange.id);
  engine_.ledger_.wait_expired();
  engine_.ledger_.note("the recorded order was left where exchange " +
                       std::to_string(exchange.id.value) +
                       " is to be answered: " + quiescence_.describe());
}

// Nothing is left to release, and the service is on its way out.
void Engine::Run::pass_time() {
  if (const auto held = turns_.next()) {
    give_turn(*held);
  } else if (quiescence_.earliest_deadline() != kNever) {
    fire_deadline();
  }
}

// Who has an input in the recording. One that waits for its turn has to get as far as to wait for
// that input: else another one would have it.
event::ThreadId Engine::Run::reader_of(Release what) {
  if (what == Release::kStep) return driver_.next_reader();
  if (what == Release::kOutput) return responder_.next_reader();
  return what == Release::kUnit ? driver_.reader_of(plan_.units[next_unit_]) : event::ThreadId{};
}

void Engine::Run::give_turn(const Turns::Held& held) {
  if (held.step != Turns::kAwake) {
    fired_ = 0;
    clock_.release(held.step, event::Context::background(), quiescence_.earliest_deadline());
  }
  Moment others = quiescence_.earliest_deadline();
  for (const auto& due : {driver_.next_due(), responder_.next_due(false)}) {
    others = std::min(others, due.value_or(kNever));
  }
  if (next_unit_ < plan_.units.size()) others = std::min(others, plan_.units[next_unit_].at);
  turns_.give(held, others);
}

// A thread spins, in a lock of the service's own, say, whose owner waits for its turn: both run
// then.
void Engine::Run::relieve_spinner() {
  const auto now = steady_clock::now();
  if (!busy_since_) busy_since_ = now;
  const auto held = turns_.next();
  if (!held || now - *busy_since_ < kSpinPatience) return;
  busy_since_.reset();
  engine_.ledger_.wait_expired();
  engine_.ledger_.note("the recorded order was left for a thread that runs and never waits: " +
                       quiescence_.describe());
  give_turn(*held);
}

void Engine::Run::fire_deadline() {
  ++fired_;
  clock_.fire(quiescence_.earliest_deadline());
}

void Engine::Run::settle_finished() {
  const std::vector<DrivenExchange> finished = driver_.take_finished();
  accounts_.settle(finished);
  if (!finished.empty() && engine_.options_.on_progress) {
    engine_.options_.on_progress(engine_.ledger_.replayed_exchanges(), plan_.selected);
  }
}

std::string Engine::Run::unreplayed() const {
  const RecordedConnection* connection = plan_.connection(plan_.units[next_unit_].connection);
  std::string where = "an address";
  for (const RecordedListener& listener : plan_.listeners) {
    if (connection != nullptr && listener.id == connection->listener) where = listener.local.text;
  }
  const std::string instead = driver_.unrecorded_listeners();
  return "the service never listened on " + where + ", where the recording has its clients" +
         (instead.empty() ? "" : ", but on " + instead) + ": " + quiescence_.describe() +
         "; start it with the arguments it was recorded with";
}

void Engine::Run::on_event(const event::Event& event) {
  driver_.on_event(event);
  responder_.on_event(event);
  if (const auto* clock = std::get_if<event::ClockRead>(&event.fact)) clock_.given(*clock);
  accounts_.on_event(event);
}

void Engine::Run::finish_ledger() {
  Ledger& ledger = engine_.ledger_;
  tell_given(stage_, leaks_);
  ledger.clocks_raised = clock_.raised();
  ledger.greatest_raise = clock_.greatest_shift();
  ledger.selected = plan_.selected;
  ledger.silence_skipped = real_time_.skipped();
  ledger.silence_waited = real_time_.waited();
  for (const std::string& thread : quiescence_.unhooked()) ledger.note(thread);
  ledger.waits_bounded += quiescence_.unhooked().size();
  ledger.sort_divergences();
  if (next_unit_ < plan_.units.size()) {
    ledger.note("the service ended before " +
                std::to_string(plan_.selected - ledger.replayed_exchanges()) +
                " of the selected exchanges were replayed");
  }
}

Engine::Engine(const Plan& plan, Control& control, std::unique_ptr<Schedule> schedule,
               EngineOptions options)
    : plan_(plan), control_(control), schedule_(std::move(schedule)), options_(std::move(options)) {
  if (schedule_->is_as_recorded()) control_.take_turns();
}

Engine::~Engine() = default;

tl::expected<void, Error> Engine::run(Service& service) {
  run_ = std::make_unique<Run>(*this, service);
  return run_->replay();
}

void Engine::on_event(const event::Event& event) {
  if (run_ != nullptr) run_->on_event(event);
}

}  // namespace reprise::replayer
