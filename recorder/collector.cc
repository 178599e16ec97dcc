#include "recorder/collector.h"

#include <algorithm>
#include <utility>

namespace reprise::recorder {

using event::Context;

namespace {

// Draws and log lines that wait for their context; a thread that makes more does not wait for I/O.
constexpr std::size_t kMostHeld = 64;
constexpr std::size_t kMostTokens = 65536;

bool is_no_input(const event::Fact& fact) {
  const auto* read = std::get_if<event::BytesReceived>(&fact);
  return read != nullptr && read->error != 0 && read->bytes.empty();
}

// The connection that an input or output is on; none for anything else.
event::ConnectionId connection_of(const event::Fact& fact) {
  if (const auto* read = std::get_if<event::BytesReceived>(&fact)) return read->connection;
  if (const auto* sent = std::get_if<event::SendIntended>(&fact)) return sent->connection;
  if (const auto* range = std::get_if<event::FileRangeSent>(&fact)) return range->connection;
  return {};
}

// Whether the fact is input or output on a connection that the thread's last wait reported.
bool takes_up_reported(const ThreadState& thread, const event::Fact& fact) {
  const event::ConnectionId connection = connection_of(fact);
  if (!connection || is_no_input(fact)) return false;
  return thread.reported_all || std::find(thread.reported.begin(), thread.reported.end(),
                                          connection) != thread.reported.end();
}

// A wake-up says something of what follows, and is no event by itself.
bool is_wake(const RecordView& record) {
  abi::HandOff body;
  return record.type() == abi::RecordType::kHandOff && record.read(body) &&
         body.kind == abi::HandOffKind::kWoken;
}

}  // namespace

Collector::Collector(Sink& sink, CollectorSetting setting)
    : setting_(std::move(setting)),
      outlet_(sink),
      traffic_(sink, outlet_, participants_, *setting_.surroundings, setting_.recorded_ordinals),
      reader_(traffic_.connections(), participants_) {}

void Collector::settled() { traffic_.arena_changed(); }

event::Stamp Collector::now() const {
  return std::max(outlet_.latest(), setting_.surroundings->now());
}

// --- Threads -------------------------------------------------------------------------------------

std::uint64_t Collector::on_thread(const ThreadIdentity& identity) {
  participants_.begin_thread(identity);
  return 0;
}

void Collector::on_thread_gone(std::uint32_t slot) {
  ThreadState* thread = participants_.thread_at(slot);
  if (thread == nullptr) return;
  flush_held(*thread, traffic_.attribution().of_work(*thread));
  traffic_.thread_gone(*thread);
  participants_.end_thread(slot);
}

Context Collector::context_of(std::uint32_t slot) {
  ThreadState* thread = participants_.thread_at(slot);
  return thread == nullptr ? Context::background() : traffic_.attribution().of_call(*thread);
}

const event::Exchange* Collector::exchange(event::ExchangeId id) {
  const OpenExchange* open = traffic_.book().find(id);
  return open == nullptr ? nullptr : &open->exchange;
}

const event::Connection* Collector::connection(event::ConnectionId id) {
  const ConnectionState* state = traffic_.connections().find(id);
  return state == nullptr ? nullptr : &state->info;
}

// --- Records -------------------------------------------------------------------------------------

bool Collector::may_wait(const ThreadState& thread, abi::RecordType type) const {
  return thread.undecided && (type == abi::RecordType::kClock || type == abi::RecordType::kRandom ||
                              type == abi::RecordType::kLog);
}

void Collector::on_run(const RecordRun& run) {
  each_record_in(run, setting_.ticks_per_second,
                 [&](std::uint64_t position, const RecordView& record) {
                   on_record(run.slot, position, record);
                 });
}

void Collector::on_record(std::uint32_t slot, std::uint64_t position, const RecordView& record) {
  ThreadState* thread = participants_.thread_at(slot);
  if (thread == nullptr) return;
  if (may_wait(*thread, record.type())) {
    thread->held.add(record, position);
    if (thread->held.size() < kMostHeld) return;
    flush_held(*thread, traffic_.attribution().of_work(*thread));
    thread->undecided = false;
    return;
  }
  handle(*thread, position, record);
}

void Collector::flush_held(ThreadState& thread, Context context) {
  // The events of held records change nothing, so nothing is held meanwhile.
  thread.held.each([&](const RecordView& record, std::uint64_t position) {
    bool damaged = false;
    event::Event* event = reader_.read(record, damaged);
    if (event == nullptr) return;
    event->context = context;
    if (!std::holds_alternative<event::LogWritten>(event->fact))
      traffic_.book().count_draw(context);
    outlet_.emit(thread, position, *event);
  });
  thread.held.clear();
}

void Collector::handle(ThreadState& thread, std::uint64_t position, const RecordView& record) {
  if (is_wake(record)) {
    traffic_.attribution().on_woken(thread);
    return;
  }
  if (record.type() == abi::RecordType::kPassed) {
    abi::Passed passed;
    if (record.read(passed)) traffic_.passed(thread, passed);
    return;
  }
  if (tells_of_sandbox(record)) return;
  const std::uint8_t* bytes = nullptr;
  if (record.type() == abi::RecordType::kFork) register_child(thread, record);
  if (record.type() == abi::RecordType::kSendIntent) bytes = record.tail<abi::SendIntent>().data();
  bool damaged = false;
  event::Event* event = reader_.read(record, damaged);
  if (damaged) {
    on_loss(thread.identity.slot,
            {position, 1, record.size(), "a record in the arena makes no sense"});
  }
  if (event == nullptr) return;
  if (record.type() == abi::RecordType::kFileOpened) {
    opened(thread, position, *event);
    return;
  }
  handle(thread, position, *event, bytes);
  if (record.type() == abi::RecordType::kProcessStart) tell_time_zone(*thread.process);
}

void Collector::handle(ThreadState& thread, std::uint64_t position, event::Event& event,
                       const std::uint8_t* bytes) {
  // What was held belongs to the connection the thread took up, if that was reported; else to what
  // it was at before.
  const bool holds = !thread.held.empty();
  const bool reported = holds && takes_up_reported(thread, event.fact);
  if (holds && !reported) flush_held(thread, traffic_.attribution().of_work(thread));
  const bool deferred = std::holds_alternative<event::FileRangeSent>(event.fact);
  traffic_.rebase(thread, event.fact);
  event.context = apply(thread, position, event, bytes);
  if (reported) flush_held(thread, event.context);
  note_decision(thread, event.fact);
  if (!deferred) outlet_.emit(thread, position, event);
}

// What a thread does after a wait or an accept tells what it took up.
void Collector::note_decision(ThreadState& thread, const event::Fact& fact) {
  if (is_no_input(fact) || std::holds_alternative<event::Waited>(fact) ||
      std::holds_alternative<event::Accepted>(fact)) {
    return;
  }
  thread.undecided = false;
}

Context Collector::apply(ThreadState& thread, std::uint64_t position, event::Event& event,
                         const std::uint8_t* bytes) {
  // Not lambdas: each of them would be given its references anew for every event.
  struct Application {
    Collector& self;
    Traffic& traffic;
    const Attribution& attribution;
    ThreadState& thread;
    std::uint64_t position;
    event::Event& event;
    const std::uint8_t* bytes;

    Context operator()(event::BytesReceived& f) { return traffic.received(thread, event, f); }
    Context operator()(event::SendIntended& f) { return traffic.intended(thread, event, f, bytes); }
    Context operator()(event::SendFinished& f) { return traffic.finished(thread, event, f); }
    Context operator()(event::FileRangeSent& f) {
      return traffic.range_intended(thread, event, f, position);
    }
    Context operator()(event::Waited& f) { return self.waited(thread, f); }
    Context operator()(event::ClockRead&) { return self.drawn(thread); }
    Context operator()(event::RandomDrawn&) { return self.drawn(thread); }
    Context operator()(event::Listened& f) { return traffic.listened(thread, f); }
    Context operator()(event::Accepted& f) {
      const Context context = traffic.accepted(thread, event, f);
      if (f.connection) self.setting_.surroundings->start_is_over();
      thread.undecided = true;
      thread.reported_all = false;
      thread.reported.assign(1, f.connection);
      return context;
    }
    Context operator()(event::Connected& f) { return traffic.connected(thread, event, f); }
    Context operator()(event::ConnectFinished& f) { return traffic.connect_finished(thread, f); }
    Context operator()(event::Paired& f) { return traffic.paired(thread, event, f); }
    Context operator()(event::ShutDown& f) { return traffic.shut_down(thread, event, f); }
    Context operator()(event::Closed& f) { return traffic.closed(thread, event, f); }
    Context operator()(event::LookedUp& f) { return traffic.looked_up(thread, f); }
    Context operator()(event::CallAnnotated&) { return attribution.of_call(thread); }
    Context operator()(event::HandedOff& f) { return self.handed_off(thread, f); }
    Context operator()(event::ThreadStarted& f) { return self.thread_started(thread, f); }
    Context operator()(event::ProcessStarted& f) { return self.started(thread, f); }
    Context operator()(event::SignalReceived& f) { return self.signalled(thread, f); }
    Context operator()(event::ProcessExited& f) {
      self.note_exit(*thread.process, f);
      return Context::background();
    }
    Context operator()(event::Gap& f) { return self.lost(thread, f); }
    Context operator()(event::ModuleLoaded&) { return Context::background(); }
    Context operator()(event::ThreadEnded&) { return Context::background(); }
    Context operator()(event::ProcessForked&) { return attribution.of_work(thread); }
    Context operator()(event::ProgramExecuted&) { return attribution.of_work(thread); }
    Context operator()(event::EntryPassed&) { return attribution.of_work(thread); }
    Context operator()(event::LogWritten&) { return attribution.of_work(thread); }
    Context operator()(event::LeakSeen&) { return attribution.of_work(thread); }
    Context operator()(event::TlsNegotiated& f) { return traffic.negotiated(thread, event, f); }
    Context operator()(event::FileOpened&) { return Context::background(); }
  };
  return std::visit(
      Application{*this, traffic_, traffic_.attribution(), thread, position, event, bytes},
      event.fact);
}

void Collector::opened(ThreadState& thread, std::uint64_t position, event::Event& event) {
  auto& file = std::get<event::FileOpened>(event.fact);
  if (!setting_.surroundings->take_start_file(file, thread.identity.process.pid)) return;
  flush_held(thread, traffic_.attribution().of_work(thread));
  outlet_.emit(thread, position, event);
}

void Collector::tell_time_zone(const ProcessState& process) {
  if (process.id.value != 1) return;
  if (auto zone = setting_.surroundings->time_zone()) {
    outlet_.emit_own(process.id, now(), *std::move(zone));
  }
}

Context Collector::waited(ThreadState& thread, const event::Waited& fact) {
  const bool brings_work = std::ranges::any_of(fact.ready, [&](const event::Ready& ready) {
    return traffic_.takes_work_from(ready.connection);
  });
  if (traffic_.attribution().waits_within(thread, fact.kind, brings_work)) {
    return traffic_.attribution().of_work(thread);
  }
  traffic_.attribution().on_wait(thread);
  thread.undecided = true;
  thread.reported.clear();
  for (const event::Ready& ready : fact.ready) {
    if (ready.connection) thread.reported.push_back(ready.connection);
  }
  const auto told = static_cast<std::int64_t>(fact.ready.size()) + fact.others;
  thread.reported_all = fact.result > told;
  return Context::background();
}

Context Collector::drawn(ThreadState& thread) {
  const Context context = traffic_.attribution().of_work(thread);
  traffic_.book().count_draw(context);
  return context;
}

Context Collector::signalled(ThreadState& thread, const event::SignalReceived& fact) {
  if (fact.fatal) thread.process->fatal_signal = fact.number;
  return traffic_.attribution().of_work(thread);
}

Context Collector::lost(ThreadState& thread, const event::Gap& fact) {
  traffic_.lost_records(thread,
                        std::to_string(fact.records) + " records were lost: " + fact.reason);
  return traffic_.attribution().of_work(thread);
}

// --- Processes -----------------------------------------------------------------------------------

// Before the record is read: the child may not have written anything yet.
void Collector::register_child(ThreadState& thread, const RecordView& record) {
  abi::Fork body;
  if (!record.read(body)) return;
  if (body.child == abi::kNone) {  // a spawned one, or one that is not captured
    auto& waiting = thread.process->for_children;
    waiting[body.ordinal] = traffic_.attribution().to_give(thread);
    if (waiting.size() > kMostTokens) waiting.clear();
    return;
  }
  const ProcessIdentity identity = setting_.surroundings->identify(body.child);
  if (identity.slot == abi::kNone) return;
  ProcessState& child = participants_.process(identity);
  traffic_.inherit(*thread.process, child);
  child.for_child = traffic_.attribution().to_give(thread);
  participants_.each_thread([&](ThreadState& other) {
    const bool idle = other.turn.kind == Turn::Kind::kNone && !other.served;
    if (other.process == &child && idle) traffic_.attribution().on_take(other, child.for_child);
  });
}

Context Collector::started(ThreadState& thread, event::ProcessStarted& fact) {
  ProcessState& process = *thread.process;
  process.started = true;
  if (fact.image > 0) traffic_.let_go_shared(process);
  fact.path = process.identity.path;
  const ProcessState* parent = participants_.process_at(process.identity.parent);
  fact.parent = parent == nullptr ? event::ProcessId{} : parent->id;
  if (process.id.value == 1 && fact.image == 0) {
    fact.environment = setting_.surroundings->environment();
  }
  return {};
}

Context Collector::thread_started(ThreadState& thread, const event::ThreadStarted& fact) {
  auto& waiting = thread.process->for_threads;
  const auto given = waiting.find(fact.ordinal);
  if (given != waiting.end()) {
    traffic_.attribution().on_take(thread, given->second);
    thread.inherited = true;
    waiting.erase(given);
  } else if (fact.creator == fact.ordinal && thread.turn.kind == Turn::Kind::kNone) {
    traffic_.attribution().on_take(thread, turn_for_child(*thread.process));
  }
  return traffic_.attribution().of_work(thread);
}

// What the thread that made the process gave its first one.
Turn Collector::turn_for_child(const ProcessState& child) {
  if (child.for_child.kind != Turn::Kind::kNone) return child.for_child;
  ProcessState* parent = participants_.process_at(child.identity.parent);
  if (parent == nullptr) return {};
  const auto given = parent->for_children.extract(child.identity.ordinal);
  return given.empty() ? Turn{} : given.mapped();
}

Context Collector::handed_off(ThreadState& thread, const event::HandedOff& fact) {
  const Attribution& attribution = traffic_.attribution();
  ProcessState& process = *thread.process;
  const Context context = attribution.of_work(thread);
  switch (fact.kind) {
    case event::HandedOff::Kind::kThreadCreated:
      process.for_threads[static_cast<std::uint32_t>(fact.token)] = attribution.to_give(thread);
      if (process.for_threads.size() > kMostTokens) process.for_threads.clear();
      return context;
    case event::HandedOff::Kind::kGive:
      process.given[fact.token] = attribution.to_give(thread);
      if (process.given.size() > kMostTokens) process.given.clear();
      return context;
    case event::HandedOff::Kind::kTake: {
      // What was taken before, or given in another process, is nobody's that is known.
      const auto given = process.given.find(fact.token);
      const bool known = given != process.given.end();
      Turn turn = known ? given->second : Turn::of(Context::unattributed());
      if (turn.kind == Turn::Kind::kNone) turn = Turn::of(Context::background());
      turn.told = true;
      attribution.enter(thread, fact.token, turn);
      if (known) process.given.erase(given);
      return attribution.of_work(thread);
    }
    case event::HandedOff::Kind::kDrop:
      if (fact.token == 0) {
        attribution.on_take(thread, {});
      } else {
        attribution.leave(thread, fact.token);
      }
      return context;
  }
  return context;
}

void Collector::note_exit(ProcessState& process, const event::ProcessExited& exit) {
  process.exit_told = true;
  process.orderly = exit.how == event::ProcessExited::How::kCode;
  // An end that left neither record nor status was SIGKILL or the like: told with signal 0.
  if (process.id.value == 1 && (process.orderly || exit.value != 0)) root_exit_ = exit;
}

void Collector::on_status(std::int32_t pid, event::ProcessExited exit) { statuses_[pid] = exit; }

void Collector::tell_exit(ProcessState& process) {
  const auto status = statuses_.find(process.identity.pid);
  event::ProcessExited exit{event::ProcessExited::How::kSignal, process.fatal_signal};
  if (status != statuses_.end()) {
    exit = status->second;
    statuses_.erase(status);
  } else if (process.exit_told) {
    return;
  }
  // Its own record said so already.
  if (process.exit_told && exit.how == event::ProcessExited::How::kCode) return;
  note_exit(process, exit);
  outlet_.emit_own(process.id, now(), exit);
}

void Collector::on_process_gone(std::uint32_t slot) {
  ProcessState* process = participants_.process_at(slot);
  if (process == nullptr) return;
  tell_exit(*process);
  traffic_.process_gone(*process, now());
  participants_.forget(*process);
}

// --- Losses and the end --------------------------------------------------------------------------

void Collector::on_loss(std::uint32_t slot, const StreamLoss& loss) {
  const event::Gap gap{loss.records, loss.bytes, loss.reason};
  ThreadState* thread = participants_.thread_at(slot);
  if (thread == nullptr) {
    outlet_.emit_own({}, now(), gap);
    return;
  }
  flush_held(*thread, traffic_.attribution().of_work(*thread));
  lost(*thread, gap);
  outlet_.gap(*thread, loss.position, gap);
}

void Collector::on_gap(const std::string& reason, std::uint64_t records) {
  outlet_.emit_own({}, now(), event::Gap{records, 0, reason});
}

void Collector::age() {
  traffic_.age(now(), setting_.ticks_per_second);
  traffic_.tell_finished();
}

void Collector::finish() {
  participants_.each_thread([this](ThreadState& thread) {
    flush_held(thread, traffic_.attribution().of_work(thread));
    traffic_.thread_gone(thread);
  });
  traffic_.finish(now());
}

}  // namespace reprise::recorder
