// What the service read from its connections, cut into the chunks in which it is released again.
//
// A chunk is what arrived together as far as the recording can tell. Short reads and EAGAIN end a
// chunk, and so does anything the service sent on that connection, or a pause; a read that filled
// its buffer does not. Each read that draws followed has an anchor: the tape entry of its first
// byte.
//
// Fed with the events of an archive in its order, together with the entry that TapeBuilder gave
// each. Thread-compatible.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "agent/abi/control.h"
#include "event/event.h"
#include "replayer/moment.h"

namespace reprise::replayer {

struct Anchor {
  std::uint64_t offset = 0;  // of the read's first byte in the recorded stream
  std::uint32_t entry = abi::kNone;
};

struct Chunk {
  event::ByteRange bytes;                       // in the recorded inbound stream
  Moment at;                                    // when the service had its first bytes
  event::ThreadId reader;                       // who read them
  std::uint32_t first_anchor = 0, anchors = 0;  // in Inputs; the first one is that of `bytes.begin`
};

// How the peer ended what it sends, as the service learnt it.
// kTruncated: of a TLS connection, whose network stream ended without close_notify.
enum class PeerEnd : std::uint8_t { kNone, kEof, kReset, kTruncated };

struct ConnectionInputs {
  std::uint32_t first_chunk = 0, chunks = 0;  // in Inputs
  PeerEnd end = PeerEnd::kNone;
  bool after_service = false;  // the service had said before that it would send no more
  Moment ended;
  std::uint32_t end_entry = abi::kNone;
  event::Context end_context;  // in which the service learnt it
};

struct Inputs {
  std::unordered_map<event::ConnectionId, ConnectionInputs> connections;
  std::vector<Chunk> chunks;    // by connection and offset
  std::vector<Anchor> anchors;  // by chunk

  const ConnectionInputs& of(event::ConnectionId connection) const;
  std::span<const Chunk> chunks_of(event::ConnectionId connection) const;
  std::span<const Anchor> anchors_of(const Chunk& chunk) const {
    return std::span(anchors).subspan(chunk.first_anchor, chunk.anchors);
  }
};

class InputsBuilder {
 public:
  explicit InputsBuilder(const Timeline& timeline) : timeline_(timeline) {}

  // `entry`: what TapeBuilder::on_event returned for this event.
  void on_event(const event::Event& event, std::uint32_t entry);

  // The service closed the connection after a readiness wait had reported it, without reading what
  // was to be read: its peer had hung up. Ask at its Closed event.
  bool hung_up_unread(const event::Closed& closed) const;
  void end_unread(const event::Closed& closed, std::uint32_t entry, const event::Context& context);

  [[nodiscard]] Inputs finish();

 private:
  struct Read {
    event::ConnectionId connection;
    event::ByteRange bytes;
    Moment at;
    event::ThreadId reader;
    std::uint32_t entry = abi::kNone;
    bool last_of_chunk = false;
  };
  // The end of one connection's reads so far.
  struct Tail {
    static constexpr std::size_t kNoRead = SIZE_MAX;
    std::size_t read = kNoRead;  // index of its latest read
    bool continues = false;      // of which more parts follow
    bool datagrams = false;      // no read goes on in the next, and none ends the connection
    bool shut = false;           // the service sends no more
    bool reported = false;       // ready to be read, and not read since
    Moment reported_at;
  };

  void on_received(const event::Event& event, const event::BytesReceived& received,
                   std::uint32_t entry);
  void end_chunk(event::ConnectionId connection);

  const Timeline& timeline_;
  std::vector<Read> reads_;
  std::unordered_map<event::ConnectionId, Tail> tails_;
  std::unordered_map<event::ConnectionId, ConnectionInputs> connections_;
};

}  // namespace reprise::replayer
