#include "replayer/inputs.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <tuple>

namespace reprise::replayer {
namespace {

// Bytes that come so much later than those before did not come with them.
constexpr nanoseconds kPause = std::chrono::milliseconds(1);

PeerEnd end_of(std::int32_t error) {
  if (error == event::kTlsTruncated) return PeerEnd::kTruncated;
  return error == 0 ? PeerEnd::kEof : PeerEnd::kReset;
}

}  // namespace

const ConnectionInputs& Inputs::of(event::ConnectionId connection) const {
  static const ConnectionInputs kNothing;
  const auto found = connections.find(connection);
  return found == connections.end() ? kNothing : found->second;
}

std::span<const Chunk> Inputs::chunks_of(event::ConnectionId connection) const {
  const ConnectionInputs& inputs = of(connection);
  return std::span(chunks).subspan(inputs.first_chunk, inputs.chunks);
}

void InputsBuilder::on_event(const event::Event& event, std::uint32_t entry) {
  if (const auto* received = std::get_if<event::BytesReceived>(&event.fact)) {
    on_received(event, *received, entry);
  } else if (const auto* sent = std::get_if<event::SendIntended>(&event.fact)) {
    end_chunk(sent->connection);
  } else if (const auto* file = std::get_if<event::FileRangeSent>(&event.fact)) {
    end_chunk(file->connection);
  } else if (const auto* tls = std::get_if<event::TlsNegotiated>(&event.fact)) {
    // What waits reported until now was the handshake.
    tails_[tls->connection].reported = false;
  } else if (const auto* connected = std::get_if<event::Connected>(&event.fact)) {
    if (connected->type == SOCK_DGRAM) tails_[connected->connection].datagrams = true;
  } else if (const auto* shut = std::get_if<event::ShutDown>(&event.fact)) {
    if (shut->error == 0 && shut->how != SHUT_RD) tails_[shut->connection].shut = true;
  } else if (const auto* waited = std::get_if<event::Waited>(&event.fact)) {
    for (const event::Ready& ready : waited->ready) {
      if (!ready.readable && !ready.hangup) continue;
      Tail& tail = tails_[ready.connection];
      if (!tail.reported) tail.reported_at = timeline_.at(event.exit);
      tail.reported = true;
    }
  }
}

void InputsBuilder::on_received(const event::Event& event, const event::BytesReceived& received,
                                std::uint32_t entry) {
  Tail& tail = tails_[received.connection];
  const bool later_part = tail.continues;
  tail.continues = received.continues;
  if (received.error == EINTR) return;
  if (received.error == EAGAIN) {
    end_chunk(received.connection);
    return;
  }
  tail.reported = false;
  const Moment at = timeline_.at(event.exit);
  if (received.bytes.empty() && tail.datagrams) return;
  if (received.bytes.empty()) {
    // A second read at the end of a stream tells nothing new.
    ConnectionInputs& inputs = connections_[received.connection];
    if (inputs.end != PeerEnd::kNone) return;
    inputs.end = end_of(received.error);
    inputs.after_service = tail.shut && inputs.end == PeerEnd::kEof;
    inputs.ended = at;
    inputs.end_entry = entry;
    inputs.end_context = event.context;
    return;
  }
  if (received.bytes.size() > UINT64_MAX - received.offset) return;  // damage: no stream is so long
  if (later_part && tail.read != Tail::kNoRead && reads_[tail.read].bytes.end == received.offset) {
    Read& read = reads_[tail.read];
    read.bytes.end += received.bytes.size();
    read.last_of_chunk = tail.datagrams || read.bytes.size() < received.requested;
    return;
  }
  if (tail.read != Tail::kNoRead && at - reads_[tail.read].at > kPause) {
    end_chunk(received.connection);
  }
  tail.read = reads_.size();
  reads_.push_back({.connection = received.connection,
                    .bytes = {received.offset, received.offset + received.bytes.size()},
                    .at = at,
                    .reader = event.thread,
                    .entry = entry,
                    .last_of_chunk = tail.datagrams || received.bytes.size() < received.requested});
}

void InputsBuilder::end_chunk(event::ConnectionId connection) {
  const auto tail = tails_.find(connection);
  if (tail != tails_.end() && tail->second.read != Tail::kNoRead) {
    reads_[tail->second.read].last_of_chunk = true;
  }
}

bool InputsBuilder::hung_up_unread(const event::Closed& closed) const {
  const auto tail = tails_.find(closed.connection);
  const auto inputs = connections_.find(closed.connection);
  const bool ended = inputs != connections_.end() && inputs->second.end != PeerEnd::kNone;
  const bool datagrams = tail != tails_.end() && tail->second.datagrams;
  return !ended && !datagrams && closed.unread == 0 && tail != tails_.end() &&
         tail->second.reported;
}

void InputsBuilder::end_unread(const event::Closed& closed, std::uint32_t entry,
                               const event::Context& context) {
  ConnectionInputs& inputs = connections_[closed.connection];
  const Tail& tail = tails_[closed.connection];
  inputs.end = PeerEnd::kEof;
  inputs.after_service = tail.shut;
  inputs.ended = tail.reported_at;
  inputs.end_entry = entry;
  inputs.end_context = context;
}

Inputs InputsBuilder::finish() {
  Inputs inputs;
  inputs.connections = std::move(connections_);
  tails_ = {};
  std::ranges::stable_sort(
      reads_, {}, [](const Read& read) { return std::tuple(read.connection, read.bytes.begin); });
  const Read* previous = nullptr;
  for (const Read& read : reads_) {
    ConnectionInputs& connection = inputs.connections[read.connection];
    if (connection.chunks == 0) {
      connection.first_chunk = static_cast<std::uint32_t>(inputs.chunks.size());
    }
    // Overlaps and holes come from damage: a chunk never spans one.
    const bool follows = previous != nullptr && previous->connection == read.connection &&
                         !previous->last_of_chunk && previous->bytes.end == read.bytes.begin;
    if (follows) {
      inputs.chunks.back().bytes.end = read.bytes.end;
    } else {
      ++connection.chunks;
      inputs.chunks.push_back({.bytes = read.bytes,
                               .at = read.at,
                               .reader = read.reader,
                               .first_anchor = static_cast<std::uint32_t>(inputs.anchors.size()),
                               .anchors = 0});
    }
    ++inputs.chunks.back().anchors;
    inputs.anchors.push_back({read.bytes.begin, read.entry});
    previous = &read;
  }
  reads_ = {};
  return inputs;
}

}  // namespace reprise::replayer
