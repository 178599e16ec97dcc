#include "recorder/attribution.h"

namespace reprise::recorder {

using event::Context;

bool Attribution::is_unanswered(Context context) const {
  if (context.kind != Context::Kind::kExchange) return false;
  const OpenExchange* open = book_.find(context.exchange);
  return open != nullptr && !open->answered && !open->retired;
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
  if (thread.takes_unseen && !is_unanswered(turn.context)) return Context::unattributed();
  return turn.context;
}

Context Attribution::of_work(ThreadState& thread) const {
  if (thread.turn.kind != Turn::Kind::kNone) return resolve(thread);
  if (!thread.interleaves && is_unanswered(thread.suspended)) return thread.suspended;
  return thread.takes_unseen ? Context::unattributed() : Context::background();
}

Context Attribution::of_call(ThreadState& thread) const {
  const Context context = of_work(thread);
  const bool idle = thread.turn.kind == Turn::Kind::kNone && context == Context::background();
  // Between two inputs an event loop may run a timer of any exchange that is open.
  const bool anybodys = idle && thread.interleaves && book_.unanswered() > 0;
  return anybodys ? Context::unattributed() : context;
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
  if (thread.turn.kind != Turn::Kind::kNone) return resolve(thread);
  return unused ? connection.owner : of_call(thread);
}

void Attribution::note_interleaving(ThreadState& thread, Context begun) const {
  const Context before =
      thread.turn.kind == Turn::Kind::kNone ? thread.suspended : thread.turn.context;
  if (before != begun && is_unanswered(before)) thread.interleaves = true;
}

Context Attribution::on_inbound(ThreadState& thread, ConnectionState& connection, bool read) const {
  const Context context = connection.inbound->current();
  const bool was_its = thread.turn.kind == Turn::Kind::kNone ? thread.suspended == context
                                                             : thread.turn.context == context;
  thread.wait_within = 0;
  if (read) note_interleaving(thread, context);
  if (!read && connection.reader != thread.id && connection.reader && !was_its) {
    thread.takes_unseen = true;
  }
  // What comes next on that connection may be another thread's to answer.
  thread.turn = thread.takes_unseen ? Turn::of(context) : Turn::on(connection.info.id);
  thread.turn.context = context;
  thread.suspended = {};
  thread.served = true;
  return context;
}

void Attribution::on_answer(ThreadState& thread, Context context, bool several) const {
  const Context owner = several ? Context::unattributed() : context;
  // Answers of another exchange: what looked like a wait in the middle of work is a loop of its
  // own.
  if (thread.wait_within != 0 && owner != thread.turn.context) {
    thread.loop_waits |= thread.wait_within;
  }
  thread.wait_within = 0;
  note_interleaving(thread, owner);
  thread.turn = Turn::of(owner);
  thread.suspended = {};
}

void Attribution::on_wait(ThreadState& thread) const {
  if (thread.turn.kind == Turn::Kind::kNone) return;
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

void Attribution::on_take(ThreadState& thread, Turn turn) const {
  thread.turn = turn;
  thread.suspended = {};
}

Turn Attribution::to_give(ThreadState& thread) const {
  const Context context = of_work(thread);
  return context == Context::background() ? Turn{} : Turn::of(context);
}

}  // namespace reprise::recorder
