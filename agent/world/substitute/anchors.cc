// The notices of agent/world/world.h that move cursors, by the rules at the head of
// agent/abi/control.h.

#include <errno.h>

#include "agent/world/substitute/control.h"
#include "agent/world/substitute/loopback.h"
#include "agent/world/substitute/mailbox.h"
#include "agent/world/substitute/socket_state.h"
#include "agent/world/substitute/stop.h"
#include "agent/world/substitute/thread_state.h"
#include "agent/world/world.h"

namespace reprise::agent {

using world::AcceptedAs;

namespace {

constexpr std::uint32_t kInput = abi::kReadable | abi::kHangup | abi::kFailed;

Place place_of(const abi::Mark& mark, Part part) {
  return {mark.entry, part, mark.monotonic_shift_ns, mark.exchange};
}

// The mark that a report of `socket` stands for, null when it is no input the replayer knows.
const abi::Mark* mark_of_report(const Socket& socket, const SocketState& state,
                                std::uint32_t flags) {
  const abi::Link* link = link_of(state);
  if (link == nullptr) return nullptr;
  if (link->role == abi::LinkRole::kAnswered && !state.opened) return &link->opening;
  if ((flags & kInput) == 0) return nullptr;
  if (link->role == abi::LinkRole::kListener) {
    const std::uint32_t accepted = link->accepted.load(std::memory_order_relaxed);
    const MarkAt at = mark_at(*link, accepted);
    return at.mark != nullptr && at.mark->offset == accepted ? at.mark : nullptr;
  }
  const MarkAt at =
      mark_at(*link, state.read_by_others + socket.in_offset.load(std::memory_order_relaxed));
  return at.mark != nullptr && at.number >= state.consumed.load(std::memory_order_relaxed)
             ? at.mark
             : nullptr;
}

void move_to_opening(Thread& thread, const abi::Link& link) {
  ThreadState* state = state_of(thread);
  if (state != nullptr && link.opening.entry != abi::kNone) {
    move(*state, place_of(link.opening, Part::kIo));
  }
  if ((link.opening.flags & abi::kStopHere) != 0) stop_here(link.opening.exchange);
}

// Both ends of a Unix connection within the service are called as they were recorded: the one by
// what its listener was bound to, the other not at all, though a name was bound to it here.
void name_internal(const SocketState& listener, SocketState& state, AcceptedAs& names) {
  if (family_of(names.local) != AF_UNIX) return;
  state.told_local = names.local = listener.told_local;
  if (is_autobound(names.peer)) state.told_peer = names.peer = unnamed();
}

}  // namespace

namespace world {

void taken(Thread& thread, Socket& socket) {
  SocketState* state = agent::state_of(socket);
  if (state == nullptr || !control().attached()) return;
  const abi::AskPassed question = {socket.cookie.load(std::memory_order_relaxed)};
  abi::AnswerPassed answer = {};
  if (!ask(thread, abi::Ask::kPassed, question, answer) || answer.link == abi::kNone) return;
  state->link.store(answer.link, std::memory_order_relaxed);
  state->opened = true;
  state->read_by_others = answer.in_offset;
  state->told_peer = answer.peer;
  state->told_local = answer.local;
}

void bytes_read(Thread& thread, Socket& socket, std::uint64_t offset, ssize_t /*result*/,
                int error) {
  if (error == EAGAIN || error == EINTR) return;
  SocketState* socket_state = agent::state_of(socket);
  const abi::Link* link = socket_state != nullptr ? link_of(*socket_state) : nullptr;
  if (link == nullptr) return;
  const MarkAt at = mark_at(*link, socket_state->read_by_others + offset);
  if (at.mark == nullptr) return;
  const bool unread = at.number >= socket_state->consumed.load(std::memory_order_relaxed);
  if (unread) socket_state->consumed.store(at.number + 1, std::memory_order_relaxed);
  if (ThreadState* state = agent::state_of(thread)) {
    const Place& place = state->cursor.place();
    const bool there = place.entry == at.mark->entry && place.part == Part::kIo;
    if (at.mark->entry != abi::kNone && !there) move(*state, place_of(*at.mark, Part::kIo));
  }
  if (unread && (at.mark->flags & abi::kStopHere) != 0) stop_here(at.mark->exchange);
}

void connected(Thread& thread, Socket& socket) {
  SocketState* state = agent::state_of(socket);
  const abi::Link* link = state != nullptr ? link_of(*state) : nullptr;
  if (link == nullptr || state->opened) return;
  state->opened = true;
  move_to_opening(thread, *link);
}

void accepted(Thread& thread, Socket& listener, Socket& socket, AcceptedAs& names) {
  SocketState* listener_state = agent::state_of(listener);
  SocketState* state = agent::state_of(socket);
  if (listener_state == nullptr || state == nullptr) return;
  const abi::AskAccept question = {listener.cookie.load(std::memory_order_relaxed),
                                   socket.cookie.load(std::memory_order_relaxed),
                                   listener_state->link.load(std::memory_order_relaxed), 0,
                                   names.peer};
  abi::AnswerAccept answer = {};
  if (!ask(thread, abi::Ask::kAccept, question, answer) || answer.link == abi::kNone) {
    name_internal(*listener_state, *state, names);
    return;
  }
  if (abi::Link* link = control().link(question.listener_link)) {
    link->accepted.fetch_add(1, std::memory_order_relaxed);
  }
  state->link.store(answer.link, std::memory_order_relaxed);
  state->opened = true;
  state->told_peer = answer.peer;
  state->told_local = answer.local;
  names = {answer.recorded, answer.peer, answer.local};
  if (const abi::Link* link = link_of(*state)) move_to_opening(thread, *link);
}

void ready(Thread& thread, const Reported* reported, std::size_t count) {
  ThreadState* state = agent::state_of(thread);
  if (state == nullptr) return;
  for (std::size_t i = 0; i < count; ++i) {
    const SocketState* socket_state = agent::state_of(reported[i].socket);
    if (socket_state == nullptr) continue;
    const abi::Mark* mark = mark_of_report(*reported[i].socket, *socket_state, reported[i].flags);
    if (mark == nullptr) continue;
    const bool there = mark->entry == state->cursor.place().entry;
    if (mark->entry != abi::kNone && !there) move(*state, place_of(*mark, Part::kReady));
    return;
  }
}

void closed(Socket& socket) {
  if (SocketState* state = agent::state_of(socket)) {
    state->cookie.store(0, std::memory_order_relaxed);
  }
}

}  // namespace world
}  // namespace reprise::agent
