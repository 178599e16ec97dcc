// For whom a thread works: the rule that maps a thread's records, in their order, to contexts.
//
// A thread's *turn* is set by what it reads or sends and ends when it waits for readiness or
// accepts:
//  - on a connection the service accepted, it works for the oldest exchange there whose response is
//    not out yet, or for the one just completed while nothing newer has begun (logging after the
//    response);
//  - bytes read on a connection it opened: for the context of the call they answer. Bytes sent
//  there
//    change no turn: the call is made for whom the thread works already;
//  - a hand-off (a thread is made, the SDK) carries it.
//
// A wait does not always end the work: a blocking client polls its own socket. So the context is
// kept aside, and holds again when the wait reports nothing of somebody else's, unless this thread
// was seen to take up one exchange before it was done with another (an event loop).
//
// A request is the work of the thread that read the end of it. An event loop may read several
// before it does anything for one of them, or go on with another's work when it is done with one (a
// pool of connections): calls it makes then are anybody's. One that waits again before it does
// anything for a request, or makes calls without input (libcurl's multi interface runs what is due
// within any call into it, HAProxy its tasks after all reads), may work for any exchange it has
// taken up. And one that has turned to a client who says nothing yet may work for that one
// (HAProxy connects to its backend before it has read what to send there).
//
// Where that leaves it open, the answer is `unattributed` and not a guess. Marks tell such threads:
// those that interleave, for what they do without input; and those that work reaches unseen, since
// they answer requests others have read, or read none and are woken by others (a pool's).
//
// Ownership: borrows table and book. Threading: the collector's thread.
#pragma once

#include <cstdint>

#include "event/event.h"
#include "recorder/connection_table.h"
#include "recorder/exchange_book.h"
#include "recorder/participants.h"

namespace reprise::recorder {

class Attribution {
 public:
  Attribution(ConnectionTable& connections, ExchangeBook& book)
      : connections_(connections), book_(book) {}

  // Of draws, log lines and the like that the thread makes now.
  event::Context of_work(ThreadState& thread) const;
  // Of a call, connect or lookup that the thread makes now.
  event::Context of_call(ThreadState& thread) const;
  // Of bytes sent now on a connection the service opened.
  event::Context of_sending(ThreadState& thread, ConnectionState& connection) const;

  // The thread read or sent on a connection that was accepted. `read` tells which.
  event::Context on_inbound(ThreadState& thread, ConnectionState& connection, bool read) const;
  // It has turned to a connection that was accepted and from which there is nothing to read yet.
  void on_silence(ThreadState& thread, const ConnectionState& connection) const;
  // It read answers; `several`: to calls of more than one context.
  void on_answer(ThreadState& thread, event::Context context, bool several) const;
  // It accepted, or waited for readiness in its loop: that ends the turn.
  void on_wait(ThreadState& thread) const;
  // It waited for readiness. True when that was a wait in the middle of its work (a blocking client
  // that polls its own socket) and the turn goes on. `brings_work`: an accepted connection or a
  // listener was reported.
  bool waits_within(ThreadState& thread, event::Waited::Kind kind, bool brings_work) const;
  // Somebody signalled it where it waited for a condition variable. In the middle of its work that
  // is part of it; else work may have reached it unseen.
  void on_woken(ThreadState& thread) const;
  // A new thread begins with a turn, or a turn ends.
  void on_take(ThreadState& thread, Turn turn) const;
  // It takes over work that was given under `token`; is done with it, and goes on where it was.
  void enter(ThreadState& thread, std::uint64_t token, Turn turn) const;
  void leave(ThreadState& thread, std::uint64_t token) const;

  // The turn as another thread would get it.
  Turn to_give(ThreadState& thread) const;

 private:
  event::Context resolve(ThreadState& thread) const;
  bool is_unanswered(event::Context context) const;
  bool is_at_work_on(event::Context context) const;
  bool is_untouched(const ThreadState& thread, event::ExchangeId exchange) const;
  bool may_be_anothers(ThreadState& thread, event::Context context) const;
  void take_up(ThreadState& thread, event::Context context) const;
  void note_interleaving(ThreadState& thread, event::Context begun) const;

  ConnectionTable& connections_;
  ExchangeBook& book_;
};

}  // namespace reprise::recorder
