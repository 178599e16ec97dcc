// The byte side of Traffic: reads, sends and file ranges.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "recorder/traffic.h"

namespace reprise::recorder {

using event::Context;
using protocol::End;
using protocol::Side;

namespace {

// Stretches of an internal connection's bytes whose contexts are remembered.
constexpr std::size_t kMostCarried = 1024;

bool is_no_input(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

// --- In stream order -----------------------------------------------------------------------------

void Traffic::take(ConnectionState& connection, ByteStream& stream, std::uint64_t offset,
                   std::span<const std::uint8_t> bytes, const Moment& moment) {
  const Side side = connection.side(&stream == &connection.out);
  switch (stream.judge(offset)) {
    case ByteStream::Verdict::kNext:
      break;
    case ByteStream::Verdict::kConflict:
      lose(connection, stream, offset + bytes.size(),
           "two processes used its connection at once; their bytes cannot be told apart");
      return;
    case ByteStream::Verdict::kWaits: {
      const bool known_loss = stream.losses_seen != losses_;
      ByteStream::Part part{offset,         moment.enter,
                            moment.exit,    moment.process,
                            moment.context, event::Bytes(bytes.begin(), bytes.end())};
      if (stream.wait(std::move(part)) && !known_loss) return;
      lose_waiting(connection, stream);
      return;
    }
  }
  stream.losses_seen = losses_;
  connection.conversation->feed(side, offset, bytes, moment);
  stream.pass(bytes.size());
  if (stream.has_waiting()) take_waiting(connection, stream);
}

void Traffic::take_waiting(ConnectionState& connection, ByteStream& stream) {
  const Side side = connection.side(&stream == &connection.out);
  while (auto part = stream.take_next()) {
    const Moment moment{part->enter, part->exit, part->process, part->context};
    connection.conversation->feed(side, part->offset, part->bytes, moment);
    stream.pass(part->bytes.size());
  }
}

void Traffic::lose(ConnectionState& connection, ByteStream& stream, std::uint64_t resume_at,
                   const std::string& why) {
  connection.conversation->lose(connection.side(&stream == &connection.out), why);
  stream.resume_at(std::max(stream.next(), resume_at));
  stream.losses_seen = losses_;
}

// What waits is behind a hole that will not be filled.
void Traffic::lose_waiting(ConnectionState& connection, ByteStream& stream) {
  while (stream.has_waiting()) {
    const std::uint64_t first = stream.first_waiting();
    const std::uint64_t missing = first > stream.next() ? first - stream.next() : 0;
    const bool sent = &stream == &connection.out;
    lose(connection, stream, first,
         std::to_string(missing) + " bytes that the service " + (sent ? "sent" : "received") +
             " were lost");
    take_waiting(connection, stream);
  }
}

// --- Reading -------------------------------------------------------------------------------------

void Traffic::hear(ConnectionState& connection, const event::BytesReceived& fact,
                   const Moment& moment) {
  const Side side = connection.side(false);
  if (fact.error != 0) {
    connection.reset = true;
    connection.conversation->end(side, End::kReset, moment);
  } else if (fact.bytes.empty()) {
    connection.ended = true;
    connection.conversation->end(side, End::kEof, moment);
  } else {
    take(connection, connection.in, fact.offset, fact.bytes, moment);
  }
}

Context Traffic::received(ThreadState& thread, const event::Event& event,
                          const event::BytesReceived& fact) {
  ConnectionState& connection = touch(thread, fact.connection, event.exit);
  if (connection.kind == SocketKind::kUnknown && !is_no_input(fact.error)) {
    guess_kind(connection, thread, true, fact.offset, event.exit);
  }
  if (connection.kind == SocketKind::kDatagram) {
    return received_datagram(thread, connection, event, fact);
  }
  if (is_no_input(fact.error) && connection.inbound != nullptr) {
    attribution_.on_silence(thread, connection);
  }
  if (is_no_input(fact.error) || connection.kind != SocketKind::kConnection) {
    return attribution_.of_work(thread);
  }
  if (connection.info.internal) return read_internal(thread, connection, fact);
  if (connection.outbound != nullptr) return read_answer(thread, connection, event, fact);
  hear(connection, fact, {event.enter, event.exit, thread.process->id, {}});
  connection.reader = connection.user = thread.id;
  return attribution_.on_inbound(thread, connection, true);
}

// A datagram is heard as a whole. One that was refused ends nothing: the next may arrive.
Context Traffic::received_datagram(ThreadState& thread, ConnectionState& connection,
                                   const event::Event& event, const event::BytesReceived& fact) {
  if (connection.outbound == nullptr || fact.error != 0) return attribution_.of_work(thread);
  event::Bytes& parts = connection.datagram_in;
  parts.insert(parts.end(), fact.bytes.begin(), fact.bytes.end());
  if (fact.continues) return connection.outbound->current();
  event::BytesReceived whole = fact;
  whole.offset = fact.offset + fact.bytes.size() - parts.size();
  whole.bytes = std::exchange(parts, {});
  return read_answer(thread, connection, event, whole);
}

void Traffic::send_datagram(ConnectionState& connection, const event::SendIntended& fact,
                            const Moment& moment) {
  event::Bytes& parts = connection.datagram_out;
  parts.insert(parts.end(), fact.bytes.begin(), fact.bytes.end());
  if (fact.continues) return;
  const event::Bytes whole = std::exchange(parts, {});
  take(connection, connection.out, fact.offset + fact.bytes.size() - whole.size(), whole, moment);
}

Context Traffic::read_answer(ThreadState& thread, ConnectionState& connection,
                             const event::Event& event, const event::BytesReceived& fact) {
  OutboundConversation& calls = *connection.outbound;
  const bool expected = calls.is_waiting() || !calls.has_called();
  const Context before = calls.has_called() ? Context::background() : connection.owner;
  calls.start_reading(before);
  calls.set_requests_doubtful(connection.out.losses_seen != losses_);
  hear(connection, fact, {event.enter, event.exit, thread.process->id, before});
  connection.user = thread.id;
  // The end of an idle connection, or a message nobody asked for, is nobody's work.
  if (!expected) return attribution_.of_work(thread);
  attribution_.on_answer(thread, calls.read_context(), calls.read_several());
  return calls.read_context();
}

// --- Sending -------------------------------------------------------------------------------------

Context Traffic::begin_send(ThreadState& thread, ConnectionState& connection) {
  connection.user = thread.id;
  if (connection.inbound != nullptr) return attribution_.on_inbound(thread, connection, false);
  const Context context = attribution_.of_sending(thread, connection);
  connection.owner = context;
  if (thread.turn.kind == Turn::Kind::kNone && context.kind == Context::Kind::kExchange) {
    attribution_.on_answer(thread, context, false);
  }
  return context;
}

void Traffic::announce(ThreadState& thread, ConnectionState& connection, const PendingSend& send,
                       event::Stamp stamp) {
  const std::uint64_t end = send.offset + send.length;
  PendingSend* former = thread.sends.empty() ? nullptr : &thread.sends.back();
  const bool further = former != nullptr && former->continues &&
                       former->connection == send.connection &&
                       former->offset + former->length == send.offset;
  if (further) {
    former->length += send.length;
    former->continues = send.continues;
    former->bytes = nullptr;
  } else {
    thread.sends.push_back(send);
  }
  connection.acceptance.announce(end, !further);
  if (connection.conversation == nullptr) return;
  const Acceptance& acceptance = connection.acceptance;
  connection.conversation->sent(acceptance.announced, acceptance.accepted, stamp);
}

bool Traffic::repeats_refused(const ConnectionState& connection,
                              const event::SendIntended& fact) const {
  const Acceptance& acceptance = connection.acceptance;
  if (fact.offset < acceptance.accepted) return false;
  const std::uint64_t begin = fact.offset - acceptance.accepted;
  const std::uint64_t overlap =
      std::min<std::uint64_t>(connection.out.next() - fact.offset, fact.bytes.size());
  for (std::uint64_t i = 0; i < overlap && begin + i < acceptance.refused.size(); ++i) {
    if (acceptance.refused[begin + i] != fact.bytes[i]) return false;
  }
  return true;
}

Context Traffic::intended(ThreadState& thread, const event::Event& event,
                          const event::SendIntended& fact, const std::uint8_t* bytes) {
  ConnectionState& connection = touch(thread, fact.connection, event.exit);
  if (connection.kind == SocketKind::kUnknown) {
    guess_kind(connection, thread, false, fact.offset, event.exit);
  }
  const std::uint64_t end = fact.offset + fact.bytes.size();
  PendingSend send{fact.connection, fact.offset, fact.bytes.size(), fact.continues, {},
                   bytes,           epoch_};
  if (connection.conversation == nullptr) {
    send.context = attribution_.of_work(thread);
    if (connection.info.internal) send_internal(connection, end, send.context);
    announce(thread, connection, send, {});
    return send.context;
  }
  send.context = begin_send(thread, connection);
  if (connection.inbound != nullptr) {
    connection.inbound->set_requests_doubtful(connection.in.losses_seen != losses_);
  }
  const Moment moment{event.enter, event.exit, thread.process->id, send.context};
  if (connection.kind == SocketKind::kDatagram) {
    send_datagram(connection, fact, moment);
    announce(thread, connection, send, {});
    return send.context;
  }
  const std::uint64_t known = connection.out.next();
  if (fact.offset < known && repeats_refused(connection, fact)) {
    // What the system did not take is announced again; only what is behind it is new.
    if (end > known) {
      take(connection, connection.out, known,
           std::span(fact.bytes).subspan(static_cast<std::size_t>(known - fact.offset)), moment);
    }
  } else {
    take(connection, connection.out, fact.offset, fact.bytes, moment);
  }
  announce(thread, connection, send, {});
  return send.context;
}

// Of bytes that were announced and not taken, should they be announced again.
void Traffic::remember_refused(ConnectionState& connection, const PendingSend& send,
                               std::int64_t result) const {
  event::Bytes& refused = connection.acceptance.refused;
  refused.clear();
  const auto taken = static_cast<std::uint64_t>(std::max<std::int64_t>(result, 0));
  const bool readable = send.bytes != nullptr && send.epoch == epoch_;
  if (!readable || taken >= send.length) return;
  const std::uint64_t left = std::min<std::uint64_t>(send.length - taken, kMostRefused);
  refused.assign(send.bytes + taken, send.bytes + taken + left);
}

Context Traffic::finished(ThreadState& thread, const event::Event& event,
                          const event::SendFinished& fact) {
  ConnectionState& connection = touch(thread, fact.connection, event.exit);
  const auto send = std::find_if(thread.sends.rbegin(), thread.sends.rend(), [&](const auto& s) {
    return s.connection == fact.connection && s.offset == fact.offset;
  });
  const bool known = send != thread.sends.rend();
  const PendingSend pending = known ? *send : PendingSend{};
  const Context context = known ? pending.context : attribution_.of_work(thread);
  if (known) thread.sends.erase(std::next(send).base());

  const auto range = std::find_if(thread.ranges.begin(), thread.ranges.end(), [&](const auto& r) {
    return r.range.connection == fact.connection && r.range.offset == fact.offset;
  });
  if (range != thread.ranges.end()) {
    const PendingRange sent = *range;
    thread.ranges.erase(range);
    if (fact.result > 0) {
      send_range(thread, connection, sent, static_cast<std::uint64_t>(fact.result), event, context);
    }
  } else if (known) {
    remember_refused(connection, pending, fact.result);
  }

  connection.acceptance.settle(fact.offset, fact.result);
  if (fact.result < 0 && !is_no_input(fact.error)) connection.reset = true;
  if (connection.conversation != nullptr) {
    const Acceptance& acceptance = connection.acceptance;
    connection.conversation->sent(acceptance.announced, acceptance.accepted, event.exit);
  }
  return context;
}

// --- Files ---------------------------------------------------------------------------------------

Context Traffic::range_intended(ThreadState& thread, const event::Event& event,
                                const event::FileRangeSent& fact, std::uint64_t position) {
  ConnectionState& connection = touch(thread, fact.connection, event.exit);
  if (connection.kind == SocketKind::kUnknown) {
    guess_kind(connection, thread, false, fact.offset, event.exit);
  }
  const Context context = connection.conversation == nullptr ? attribution_.of_work(thread)
                                                             : begin_send(thread, connection);
  thread.ranges.push_back({position, event.enter, fact});
  PendingSend send{fact.connection, fact.offset, 0, false, context, nullptr, epoch_};
  announce(thread, connection, send, {});
  return context;
}

void Traffic::send_range(ThreadState& thread, ConnectionState& connection,
                         const PendingRange& pending, std::uint64_t sent,
                         const event::Event& result, Context context) {
  const std::uint64_t piece = file_piece_bytes(sent);
  std::string why;
  for (std::uint64_t done = 0; done < sent; done += piece) {
    PendingRange part = pending;
    part.position += done / piece;
    part.range.offset += done;
    part.range.file_offset += done;
    part.range.length = std::min(piece, sent - done);
    part.range.content = surroundings_.content_of(part.range, thread.process->identity.pid, why);
    emit_range(thread, part, result.exit, context);
    if (part.range.content) continue;
    outlet_.gap(thread, part.position, {1, part.range.length, why});
    if (connection.conversation != nullptr) connection.conversation->spoil(why);
  }
  if (connection.conversation == nullptr) return;
  const Moment moment{pending.enter, result.exit, thread.process->id, context};
  ByteStream& out = connection.out;
  if (out.next() != pending.range.offset) {
    lose(connection, out, pending.range.offset, "bytes that the service sent before it were lost");
  }
  connection.conversation->skip(connection.side(true), pending.range.offset, sent, moment);
  out.pass(sent);
}

void Traffic::emit_range(ThreadState& thread, const PendingRange& pending, event::Stamp exit,
                         Context context) {
  event::Event event;
  event.enter = pending.enter;
  event.exit = std::max(pending.enter, exit);
  event.context = context;
  event.fact = pending.range;
  outlet_.emit(thread, pending.position, event);
}

// --- Both ends inside ----------------------------------------------------------------------------

void Traffic::send_internal(ConnectionState& connection, std::uint64_t end, Context context) {
  ConnectionState* other = connections_.find(connection.other_end);
  // One byte through a socket pair is a wake-up and carries nobody's work.
  if (connection.kind != SocketKind::kConnection) return;
  auto& carried = other == nullptr ? connection.ahead : other->carried;
  if (!carried.empty() && carried.back().second == context) {
    carried.back().first = std::max(carried.back().first, end);
  } else if (carried.size() < kMostCarried) {
    carried.emplace_back(end, context);
  } else {
    carried.back() = {end, Context::unattributed()};
  }
}

Context Traffic::read_internal(ThreadState& thread, ConnectionState& connection,
                               const event::BytesReceived& fact) {
  auto& carried = connection.carried;
  std::erase_if(carried, [&](const auto& stretch) { return stretch.first <= fact.offset; });
  if (carried.empty() || fact.bytes.empty()) return attribution_.of_work(thread);
  const Context first = carried.front().second;
  const bool one = carried.front().first >= fact.offset + fact.bytes.size();
  attribution_.on_answer(thread, first, !one);
  return first;
}

}  // namespace reprise::recorder
