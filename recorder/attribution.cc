#include "recorder/attribution.h"

#include <algorithm>
#include <vector>

namespace reprise::recorder {

using event::Context;

namespace {

// Scopes within one another; a program that nests deeper has lost its ends.
constexpr std::size_t kMostScopes = 64;
// As many as a readiness wait tells of at once in most programs.
constexpr std::size_t kMostUntouched = 1024;

bool takes_unseen(const ThreadState& thread) { return thread.takes_unseen || thread.woken; }

// The turn of work for `context`, still told where it is what the SDK told.
Turn turn_of(Context context, const Turn& before) {
  Turn turn = Turn::of(context);
  turn.told = before.told && before.context == context;
  return turn;
}

void add(std::vector<event::ExchangeId>& exchanges, event::ExchangeId exchange) {
  if (std::ranges::find(exchanges, exchange) != exchanges.end()) return;
  if (exchanges.size() < kMostUntouched) exchanges.push_back(exchange);
}

}  // namespace

bool Attribution::is_unanswered(Context context) const {
  if (context.kind != Context::Kind::kExchange) return false;
  const OpenExchange* open = book_.find(context.exchange);
  return open != nullptr && !open->answered && !open->retired;
}

// Read as a whole, and by this thread: before that there is little to be done for it, and who reads
// the end of a request goes on with it.
bool Attribution::is_untouched(const ThreadState& thread, event::ExchangeId exchange) const {
  const OpenExchange* open = book_.find(exchange);
  if (open == nullptr || !open->request_whole || open->answered || open->retired) return false;
  const ConnectionState* connection = connections_.find(open->exchange.connection);
  return connection != nullptr && connection->reader == thread.id;
}

bool Attribution::may_be_anothers(ThreadState& thread, Context context) const {
  if (thread.turn.told || context.kind != Context::Kind::kExchange) return false;
  if (thread.looks_aside) return true;
  const bool done = thread.interleaves && !is_unanswered(context) && book_.unanswered() > 0;
  const auto& rivals = thread.defers ? thread.taken : thread.untouched;
  return done || std::ranges::any_of(rivals, [&](event::ExchangeId exchange) {
           return exchange != context.exchange && is_untouched(thread, exchange);
         });
}

void Attribution::take_up(ThreadState& thread, Context context) const {
  if (context.kind != Context::Kind::kExchange) return;
  std::erase_if(thread.taken,
                [&](event::ExchangeId exchange) { return !is_unanswered(Context::of(exchange)); });
  add(thread.taken, context.exchange);
  add(thread.untouched, context.exchange);
}

// With a turn.
Context Attribution::resolve(ThreadState& thread) const {
  Turn& turn = thread.turn;
  if (turn.kind == Turn::Kind::kConnection) {
    ConnectionState* connection = connections_.find(turn.connection);
    if (connection != nullptr && connection->inbound != nullptr) {
      turn.context = connection->inbound->current();
    }
  }
  if (takes_unseen(thread) && !turn.told && !is_unanswered(turn.context)) {
    return Context::unattributed();
  }
  return turn.context;
}

Context Attribution::of_work(ThreadState& thread) const {
  if (thread.turn.kind != Turn::Kind::kNone) return resolve(thread);
  if (!thread.interleaves && is_unanswered(thread.suspended)) return thread.suspended;
  return takes_unseen(thread) ? Context::unattributed() : Context::background();
}

Context Attribution::of_call(ThreadState& thread) const {
  const Context context = of_work(thread);
  const bool idle = thread.turn.kind == Turn::Kind::kNone && context == Context::background();
  // Between two inputs an event loop may run a timer of any exchange that is open.
  const bool anybodys = idle && thread.interleaves && book_.unanswered() > 0;
  thread.defers = thread.defers || anybodys;
  if (anybodys || may_be_anothers(thread, context)) return Context::unattributed();
  std::erase(thread.untouched, context.exchange);
  if (OpenExchange* open = book_.find(context.exchange)) open->worked_for = true;
  return context;
}

Context Attribution::of_sending(ThreadState& thread, ConnectionState& connection) const {
  const OutboundConversation* calls = connection.outbound;
  if (calls != nullptr) {
    // The rest of a request belongs to whom it was begun for, whoever sends it.
    if (const OpenCall* begun = calls->unfinished_request()) return begun->call.context;
  }
  // The first request on a connection is made for whom it was opened, whatever an event loop took
  // up between the two.
  const bool unused = calls == nullptr || !calls->has_called();
  if (unused && is_unanswered(connection.owner)) return connection.owner;
  if (thread.turn.kind == Turn::Kind::kNone && unused) return connection.owner;
  return of_call(thread);
}

// While a part of a request is all that there is of it, and nothing was done with that, its reader
// is done with it for now: whoever reads the rest goes on. Only a decoder knows that more is to
// come.
bool Attribution::is_at_work_on(Context context) const {
  if (!is_unanswered(context)) return false;
  const OpenExchange& open = *book_.find(context.exchange);
  const ConnectionState* connection = connections_.find(open.exchange.connection);
  const bool known = connection != nullptr && connection->inbound != nullptr;
  if (open.request_whole || open.worked_for || !known) return true;
  const event::Protocol protocol = connection->inbound->protocol();
  return protocol == event::Protocol::kUnknown || protocol == event::Protocol::kOpaque;
}

void Attribution::note_interleaving(ThreadState& thread, Context begun) const {
  const Context before =
      thread.turn.kind == Turn::Kind::kNone ? thread.suspended : thread.turn.context;
  if (before != begun && is_at_work_on(before)) thread.interleaves = true;
}

Context Attribution::on_inbound(ThreadState& thread, ConnectionState& connection, bool read) const {
  const Context context = connection.inbound->current();
  const bool was_its = thread.turn.kind == Turn::Kind::kNone ? thread.suspended == context
                                                             : thread.turn.context == context;
  thread.wait_within = 0;
  thread.looks_aside = false;
  if (read) {
    note_interleaving(thread, context);
    take_up(thread, context);
  } else {
    std::erase(thread.untouched, context.exchange);
    std::erase(thread.taken, context.exchange);
  }
  // Its work comes from its clients. What it was woken for before was a lock, or its first job.
  if (read) thread.woken = false;
  if (!read && connection.reader != thread.id && connection.reader && !was_its) {
    thread.takes_unseen = true;
  }
  // What comes next on that connection may be another thread's to answer.
  const Turn before = thread.turn;
  thread.turn = takes_unseen(thread) ? turn_of(context, before) : Turn::on(connection.info.id);
  thread.turn.context = context;
  thread.suspended = {};
  thread.served = true;
  thread.reads = thread.reads || read;
  thread.inherited = false;
  return context;
}

void Attribution::on_silence(ThreadState& thread, const ConnectionState& connection) const {
  const Turn& turn = thread.turn;
  const Context before = turn.kind == Turn::Kind::kNone ? thread.suspended : turn.context;
  if (connection.inbound->current() != before) thread.looks_aside = true;
}

void Attribution::on_answer(ThreadState& thread, Context context, bool several) const {
  const Context owner = several ? Context::unattributed() : context;
  // Answers of another exchange: what looked like a wait in the middle of work is a loop of its
  // own.
  if (thread.wait_within != 0 && owner != thread.turn.context) {
    thread.loop_waits |= thread.wait_within;
  }
  thread.wait_within = 0;
  thread.looks_aside = false;
  note_interleaving(thread, owner);
  thread.turn = turn_of(owner, thread.turn);
  thread.suspended = {};
}

void Attribution::on_wait(ThreadState& thread) const {
  thread.defers = thread.defers || std::ranges::any_of(thread.untouched, [&](auto exchange) {
                    return is_untouched(thread, exchange);
                  });
  thread.untouched.clear();
  // Told work is over when its end is told.
  if (thread.turn.kind == Turn::Kind::kNone || thread.turn.told) return;
  thread.suspended = resolve(thread);
  thread.turn = {};
}

bool Attribution::waits_within(ThreadState& thread, event::Waited::Kind kind,
                               bool brings_work) const {
  const auto bit = static_cast<std::uint8_t>(1u << static_cast<unsigned>(kind));
  if (brings_work) thread.loop_waits |= bit;
  const bool in_work = thread.turn.kind != Turn::Kind::kNone && thread.loop_waits != 0;
  if (!in_work || (thread.loop_waits & bit) != 0) {
    thread.wait_within = 0;
    return false;
  }
  thread.wait_within = bit;
  return true;
}

void Attribution::on_woken(ThreadState& thread) const {
  if (thread.reads) return;
  const Turn& turn = thread.turn;
  const bool its_own = turn.kind != Turn::Kind::kNone && !thread.inherited;
  if (turn.told || (its_own && is_unanswered(turn.context))) return;
  thread.turn = {};
  thread.suspended = {};
  thread.woken = true;
}

void Attribution::on_take(ThreadState& thread, Turn turn) const {
  thread.inherited = false;
  thread.turn = turn;
  thread.suspended = {};
}

void Attribution::enter(ThreadState& thread, std::uint64_t token, Turn turn) const {
  if (thread.scopes.size() == kMostScopes) thread.scopes.erase(thread.scopes.begin());
  thread.scopes.push_back({token, thread.turn, thread.suspended, thread.inherited});
  on_take(thread, turn);
}

void Attribution::leave(ThreadState& thread, std::uint64_t token) const {
  const auto scope = std::ranges::find(thread.scopes, token, &ThreadState::Scope::token);
  if (scope == thread.scopes.end()) return;
  thread.turn = scope->turn;
  thread.suspended = scope->suspended;
  thread.inherited = scope->inherited;
  thread.scopes.erase(scope, thread.scopes.end());
}

Turn Attribution::to_give(ThreadState& thread) const {
  const Context context = of_work(thread);
  return context == Context::background() ? Turn{} : Turn::of(context);
}

}  // namespace reprise::recorder
