#include "replayer/tape.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <span>

namespace reprise::replayer {
namespace {

using event::Context;

abi::TapeDraw clock_draw(const event::ClockRead& read, std::uint32_t module) {
  return {.kind = abi::DrawKind::kClock,
          .source = read.source,
          .reserved = 0,
          .module = module,
          .value = read.value_ns,
          .at_ns = 0,
          .length = 0,
          .reserved2 = 0};
}

abi::TapeDraw random_draw(const event::RandomDrawn& drawn, std::uint32_t module) {
  return {.kind = abi::DrawKind::kRandom,
          .source = drawn.source,
          .reserved = 0,
          .module = module,
          .value = 0,  // set when the bytes are written
          .at_ns = 0,
          .length = static_cast<std::uint32_t>(drawn.bytes.size()),
          .reserved2 = 0};
}

abi::TapeDraw step(abi::DrawKind kind) {
  return {.kind = kind,
          .source = 0,
          .reserved = 0,
          .module = 0,
          .value = 0,
          .at_ns = 0,
          .length = 0,
          .reserved2 = 0};
}

bool is_input(const event::BytesReceived& received) {
  return received.error != EAGAIN && received.error != EINTR;
}

}  // namespace

std::size_t monotonic_index(std::uint8_t clock_source) {
  switch (static_cast<abi::ClockSource>(clock_source)) {
    case abi::ClockSource::kMonotonic:
      return 0;
    case abi::ClockSource::kMonotonicRaw:
      return 1;
    case abi::ClockSource::kMonotonicCoarse:
      return 2;
    case abi::ClockSource::kBoottime:
      return 3;
    default:
      return kMonotonicClocks;
  }
}

std::string image_name(const std::string& fork_path, std::uint32_t image) {
  return fork_path + ":" + std::to_string(image);
}

std::uint32_t TapeBuilder::on_event(const event::Event& event) {
  modules_.on_event(event);
  const event::Fact& fact = event.fact;
  if (const auto* clock = std::get_if<event::ClockRead>(&fact)) {
    on_draw(event, {clock_draw(*clock, modules_.key(event.process, clock->caller)), {}});
  } else if (const auto* random = std::get_if<event::RandomDrawn>(&fact)) {
    const std::uint32_t module = modules_.key(event.process, random->caller);
    if (random->error == 0) on_draw(event, {random_draw(*random, module), random->bytes});
  } else if (const auto* received = std::get_if<event::BytesReceived>(&fact)) {
    return on_received(event, *received);
  } else if (const auto* sent = std::get_if<event::SendIntended>(&fact)) {
    on_send(event, *sent);
  } else if (std::holds_alternative<event::FileRangeSent>(fact)) {
    on_draw(event, {step(abi::DrawKind::kSend), {}});
  } else if (std::holds_alternative<event::LookedUp>(fact)) {
    on_draw(event, {step(abi::DrawKind::kLookup), {}});
  } else if (const auto* waited = std::get_if<event::Waited>(&fact)) {
    on_waited(event, *waited);
  } else if (const auto* accepted = std::get_if<event::Accepted>(&fact)) {
    return on_accepted(event, *accepted);
  } else if (const auto* connected = std::get_if<event::Connected>(&fact)) {
    return on_connected(event, *connected);
  } else if (const auto* finished = std::get_if<event::ConnectFinished>(&fact)) {
    return on_connect_finished(event, *finished);
  } else if (const auto* process = std::get_if<event::ProcessStarted>(&fact)) {
    on_process_started(event, *process);
  } else if (const auto* thread = std::get_if<event::ThreadStarted>(&fact)) {
    on_thread_started(event, *thread);
  } else if (const auto* hand_off = std::get_if<event::HandedOff>(&fact)) {
    on_handed_off(event, *hand_off);
  } else if (const auto* forked = std::get_if<event::ProcessForked>(&fact)) {
    if (forked->child) on_thread_made(event, {forked->child, 0, 0});
  } else if (std::holds_alternative<event::ThreadEnded>(fact)) {
    leave_outer(event.thread);
    if (const auto cursor = cursors_.find(event.thread); cursor != cursors_.end()) {
      leave(cursor->second);
      cursors_.erase(cursor);
    }
  } else if (const auto* closed = std::get_if<event::Closed>(&fact)) {
    reported_.erase(closed->connection);
    connecting_.erase(closed->connection);
  }
  return abi::kNone;
}

std::uint32_t TapeBuilder::on_received(const event::Event& event,
                                       const event::BytesReceived& received) {
  if (!anchors_.contains(received.connection)) return abi::kNone;
  Cursor& cursor = cursors_[event.thread];
  const bool later_part = cursor.continued_read == received.connection && received.error == 0;
  cursor.continued_read = received.continues ? received.connection : event::ConnectionId{};
  if (later_part || !is_input(received)) return abi::kNone;
  const std::uint32_t entry = move(event, take_reported(received.connection));
  // What follows an accept, for a thread that reads one clock too many, is the first request.
  if (const auto opening = unread_opening_.find(received.connection);
      opening != unread_opening_.end()) {
    tape_.entries[opening->second].next = entry;
    unread_opening_.erase(opening);
  }
  return entry;
}

std::uint32_t TapeBuilder::on_accepted(const event::Event& event, const event::Accepted& accepted) {
  if (accepted.error != 0 || internal_.contains(accepted.connection)) return abi::kNone;
  anchors_.insert(accepted.connection);
  std::vector<std::shared_ptr<Readiness>> readiness;
  for (const auto& [listener, draws] : cursors_[event.thread].listeners) {
    if (listener == accepted.listener) readiness.push_back(draws);
  }
  const std::uint32_t entry = move(event, std::move(readiness));
  unread_opening_[accepted.connection] = entry;
  return entry;
}

std::uint32_t TapeBuilder::on_connected(const event::Event& event,
                                        const event::Connected& connected) {
  if (connected.type == SOCK_DGRAM && connected.error == 0) anchors_.insert(connected.connection);
  if (connected.type != SOCK_STREAM) return abi::kNone;
  if (connects_.insert(connected.connection).second) {
    on_draw(event, {step(abi::DrawKind::kConnect), {}});
  }
  if (internal_.contains(connected.connection)) return abi::kNone;
  if (connected.error == EINPROGRESS) connecting_.insert(connected.connection);
  if (connected.error != 0) return abi::kNone;
  anchors_.insert(connected.connection);
  return move(event, take_reported(connected.connection));
}

std::uint32_t TapeBuilder::on_connect_finished(const event::Event& event,
                                               const event::ConnectFinished& result) {
  if (connecting_.erase(result.connection) == 0 || result.error != 0) return abi::kNone;
  anchors_.insert(result.connection);
  return move(event, take_reported(result.connection));
}

void TapeBuilder::on_waited(const event::Event& event, const event::Waited& waited) {
  if (waited.result == 0 && waited.timeout_ns > 0) {
    on_draw(event, {step(abi::DrawKind::kTimeOut), {}});
  }
  std::shared_ptr<Readiness> readiness;
  Cursor& cursor = cursors_[event.thread];
  for (const event::Ready& ready : waited.ready) {
    const bool input = ready.readable || ready.hangup || ready.failed;
    const bool connected = connecting_.contains(ready.connection);
    if (!connected && !input) continue;
    if (internal_.contains(ready.connection)) continue;
    if (readiness == nullptr) {
      leave(cursor);
      cursor.listeners.clear();
      readiness = std::make_shared<Readiness>();
    }
    if (connected || anchors_.contains(ready.connection)) {
      reported_[ready.connection].push_back(readiness);
    } else {
      cursor.listeners.emplace_back(ready.connection, readiness);
    }
  }
  if (readiness != nullptr) {
    cursor.readiness = std::move(readiness);
    cursor.created_since = 0;
  }
}

void TapeBuilder::on_process_started(const event::Event& event,
                                     const event::ProcessStarted& started) {
  images_[event.process] =
      started.image == 0 && started.parent ? "" : image_name(started.path, started.image);
}

void TapeBuilder::on_thread_started(const event::Event& event,
                                    const event::ThreadStarted& started) {
  Cursor& cursor = cursors_[event.thread];
  leave(cursor);
  cursor = {};
  cursor.entry = open_entry(event.context, {});
  const ThreadEntry entry{cursor.entry->number, event.context};
  // A forked child's first thread is named by the thread that forked, which on_thread_made learns.
  const std::string& image = images_[event.process];
  if (started.ordinal == 0 && !image.empty()) {
    tape_.threads[{.image = image}] = entry;
  } else {
    starts_[{event.process, started.ordinal, 0}] = entry;
  }
}

void TapeBuilder::on_thread_made(const event::Event& event, const ThreadName& made) {
  Cursor& cursor = cursors_[event.thread];
  const std::uint32_t since = cursor.created_since++;
  if (cursor.readiness != nullptr) {
    cursor.readiness->threads.push_back(made);
  } else if (cursor.entry != nullptr) {
    origins_.push_back({made, {.creator_entry = cursor.entry->number, .created_since = since}});
  }
}

// A send that was recorded in several parts is one step.
void TapeBuilder::on_send(const event::Event& event, const event::SendIntended& sent) {
  Cursor& cursor = cursors_[event.thread];
  const bool later_part = cursor.continued_send;
  cursor.continued_send = sent.continues;
  if (!later_part) on_draw(event, {step(abi::DrawKind::kSend), {}});
}

// Work that is given goes on like a thread that is made: what is drawn after the take has an entry
// of its own, named by the giver's place, so that neither counts into the other's.
void TapeBuilder::on_handed_off(const event::Event& event, const event::HandedOff& hand_off) {
  using Kind = event::HandedOff::Kind;
  const ThreadName work{event.process, abi::kNone, hand_off.token};
  if (hand_off.kind == Kind::kThreadCreated) {
    on_thread_made(event, {event.process, static_cast<std::uint32_t>(hand_off.token), 0});
  } else if (hand_off.kind == Kind::kGive) {
    const Cursor& cursor = cursors_[event.thread];
    const bool stands = cursor.readiness != nullptr || cursor.entry != nullptr;
    on_thread_made(event, work);
    if (stands) given_.insert(work);
  } else if (hand_off.kind == Kind::kTake) {
    take_work(event, work);
  } else if (hand_off.token != 0) {
    leave_work(event, hand_off.token);
  }
}

void TapeBuilder::take_work(const event::Event& event, const ThreadName& work) {
  auto& outer = outer_[event.thread];
  if (given_.erase(work) == 0 || outer.size() == abi::kScopes) return;
  outer.emplace_back(work.token, std::exchange(cursors_[event.thread], {}));
  starts_[work] = {move(event, {}), event.context};
}

void TapeBuilder::leave_work(const event::Event& event, std::uint64_t token) {
  auto& outer = outer_[event.thread];
  if (outer.empty() || outer.back().first != token) return;
  Cursor& cursor = cursors_[event.thread];
  leave(cursor);
  cursor = std::move(outer.back().second);
  outer.pop_back();
}

void TapeBuilder::on_draw(const event::Event& event, Draw draw) {
  draw.draw.at_ns = timeline_.at(event.enter).ns;
  Cursor& cursor = cursors_[event.thread];
  if (cursor.readiness != nullptr) {
    cursor.readiness->draws.push_back(std::move(draw));
  } else if (cursor.entry != nullptr) {
    cursor.entry->io.push_back(std::move(draw));
  }
}

std::uint32_t TapeBuilder::end_without_read(event::ConnectionId connection,
                                            const Context& context) {
  const std::shared_ptr<OpenEntry> entry = open_entry(context, take_reported(connection));
  entry->io_open = false;
  write_when_whole(*entry);
  return entry->number;
}

std::uint32_t TapeBuilder::move(const event::Event& event,
                                std::vector<std::shared_ptr<Readiness>> readiness) {
  Cursor& cursor = cursors_[event.thread];
  leave(cursor);
  cursor.entry = open_entry(event.context, std::move(readiness));
  return cursor.entry->number;
}

std::shared_ptr<TapeBuilder::OpenEntry> TapeBuilder::open_entry(
    const Context& context, std::vector<std::shared_ptr<Readiness>> readiness) {
  auto entry = std::make_shared<OpenEntry>();
  entry->number = static_cast<std::uint32_t>(tape_.entries.size());
  entry->context = context;
  entry->readiness = std::move(readiness);
  for (const auto& draws : entry->readiness) {
    if (draws->open) {
      draws->takers.push_back(entry);
    } else {
      for (std::uint32_t i = 0; i < draws->threads.size(); ++i) {
        origins_.push_back({draws->threads[i], {entry->number, true, i, ""}});
      }
    }
  }
  tape_.entries.push_back({0, 0, 0, abi::kNone});
  const auto [last, first] = last_of_context_.try_emplace(context, entry->number);
  if (!first) {
    tape_.entries[last->second].next = entry->number;
    last->second = entry->number;
  }
  return entry;
}

std::vector<std::shared_ptr<TapeBuilder::Readiness>> TapeBuilder::take_reported(
    event::ConnectionId connection) {
  auto node = reported_.extract(connection);
  return node.empty() ? std::vector<std::shared_ptr<Readiness>>{} : std::move(node.mapped());
}

void TapeBuilder::leave(Cursor& cursor) {
  cursor.created_since = 0;
  if (const auto entry = std::exchange(cursor.entry, nullptr)) {
    entry->io_open = false;
    write_when_whole(*entry);
  }
  if (const auto readiness = std::exchange(cursor.readiness, nullptr)) {
    readiness->open = false;
    for (const auto& taker : std::exchange(readiness->takers, {})) {
      for (std::uint32_t i = 0; i < readiness->threads.size(); ++i) {
        origins_.push_back({readiness->threads[i], {taker->number, true, i, ""}});
      }
      write_when_whole(*taker);
    }
  }
}

void TapeBuilder::write_when_whole(OpenEntry& entry) {
  const auto is_open = [](const auto& readiness) { return readiness->open; };
  // A wait that reported one connection twice would close it twice.
  if (entry.written || entry.io_open || std::ranges::any_of(entry.readiness, is_open)) return;
  entry.written = true;
  abi::TapeEntry& out = tape_.entries[entry.number];
  out.first_draw = static_cast<std::uint32_t>(tape_.draws.size());
  for (const auto& readiness : std::exchange(entry.readiness, {})) {
    out.ready_draws += write(entry, readiness->draws);
  }
  out.io_draws = write(entry, std::exchange(entry.io, {}));
}

std::uint32_t TapeBuilder::write(const OpenEntry& entry, const std::vector<Draw>& draws) {
  for (const Draw& draw : draws) {
    abi::TapeDraw out = draw.draw;
    if (out.kind == abi::DrawKind::kRandom) {
      out.value = static_cast<std::int64_t>(tape_.bytes.size());
      const auto bytes = std::as_bytes(std::span(draw.bytes));
      tape_.bytes.insert(tape_.bytes.end(), bytes.begin(), bytes.end());
    } else if (const std::size_t clock = monotonic_index(out.source);
               out.kind == abi::DrawKind::kClock && clock < kMonotonicClocks &&
               entry.context.kind == Context::Kind::kExchange) {
      auto& values =
          tape_.first_values.try_emplace(entry.context.exchange, kNoValues).first->second;
      values[clock] = values[clock] == kNoValue ? out.value : std::min(values[clock], out.value);
    }
    tape_.draws.push_back(out);
  }
  return static_cast<std::uint32_t>(draws.size());
}

void TapeBuilder::leave_outer(event::ThreadId thread) {
  auto outer = outer_.extract(thread);
  if (outer.empty()) return;
  for (auto& [token, cursor] : outer.mapped()) leave(cursor);
}

Tape TapeBuilder::finish() {
  for (auto& [thread, cursor] : cursors_) {
    leave_outer(thread);
    leave(cursor);
  }
  for (const auto& [name, origin] : origins_) {
    if (const auto start = starts_.find(name); start != starts_.end()) {
      tape_.threads.emplace(origin, start->second);
    }
  }
  return std::move(tape_);
}

}  // namespace reprise::replayer
