// What a replay needs of a recording: what to send when, what to answer, how it ended.
//
// Plan::read goes through the archive once. What stays in memory is an index of small records; the
// bytes are in a nameless file (payload.h) and the draws go into the control file (tape.h).
//
// Ownership: owns everything; the reader may be closed afterwards, unless the archive has stored
// contents. Immutable after read(); any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

#include "archive/reader.h"
#include "event/exchange.h"
#include "replayer/draw_tally.h"
#include "replayer/error.h"
#include "replayer/inputs.h"
#include "replayer/moment.h"
#include "replayer/names.h"
#include "replayer/streams.h"
#include "replayer/tape.h"

namespace reprise::replayer {

// Which exchanges are driven.
struct Selection {
  std::optional<event::ExchangeId> only;  // none: all
  bool with_prefix = false;               // and all that began before it
};

struct RecordedExchange {
  event::ExchangeId id;
  event::ConnectionId connection;
  std::uint64_t ordinal = 0;  // on its connection, from 1
  event::Protocol protocol = event::Protocol::kUnknown;
  NameId method, status;
  event::ByteRange request, response;
  Moment first_byte_in, last_byte_out;  // the latter only when there is a response
  bool complete = false;

  bool answered() const { return complete && !response.empty(); }
};

struct RecordedCall {
  event::CallId id;
  event::Context context;
  event::ConnectionId connection;
  event::Protocol protocol = event::Protocol::kUnknown;
  NameId peer;  // as Plan::peer_at has it: one for each peer, whatever name or address was used
  NameId operation;
  NameId target;  // where the request's bytes do not say what it is about (PostgreSQL), else none
  std::uint64_t ordinal = 0;
  event::ByteRange request, response;
  Moment last_byte_out;
  bool prelude = false, complete = false;
};

// What a TLS handshake came to. Bytes of the connection before the offsets are plain.
struct RecordedTls {
  std::uint64_t in_offset = 0, out_offset = 0;
  std::uint32_t version = 0;
  std::int32_t verdict = 0;  // on the peer's certificate, 0 accepted
  bool failed = false;       // and then nothing follows
  std::string server_name, protocol;
  event::Bytes certificates;               // of the peer, in DER, its own first
  std::uint64_t certificates_on_tape = 0;  // where they are in Tape::bytes
};

struct RecordedConnection {
  event::ConnectionId id;
  event::Direction direction = event::Direction::kInbound;
  event::Protocol protocol = event::Protocol::kUnknown;
  bool internal = false;
  event::ConnectionId listener;
  NameId peer_name;
  event::Address local, peer;
  Moment opened;
  event::ThreadId acceptor;  // inbound
  std::uint32_t opening_entry = abi::kNone;
  bool refused = false;                    // a datagram: nobody took it (ECONNREFUSED)
  std::shared_ptr<const RecordedTls> tls;  // null: there was none
  // Its exchanges (inbound) or calls (outbound) by offset: indices into `exchanges` or `calls`.
  // Those that have a request, and before them the greetings with which the service opened.
  std::vector<std::uint32_t> transactions;
  std::uint32_t greetings = 0;           // at the beginning of `transactions`
  std::vector<std::uint32_t> exchanges;  // all, by ordinal: what was said unasked later as well
  std::uint32_t first_request = 0;       // the first of `transactions` that is driven by bytes
};

struct RecordedConnect {
  // What became of it. kPending: it was given up unfinished.
  enum class Outcome : std::uint8_t { kEstablished, kFailed, kPending };
  event::ConnectionId connection;
  event::Context context;
  event::ThreadId thread;
  NameId peer;
  std::int32_t type = 0;
  std::int32_t error = 0;        // errno of the call
  std::int32_t final_error = 0;  // of a non-blocking one
  Outcome outcome = Outcome::kEstablished;
};

struct RecordedLookup {
  event::Context context;
  std::uint32_t answer = 0;  // in Plan::lookup_answers
};

struct RecordedListener {
  event::ConnectionId id;
  event::Address local;
  std::string process;  // fork path of who began to listen; "" when that is not known
};

// What is released as one: a connection opened, the request of one exchange (or of several that
// share a chunk), the end of a connection, a signal.
struct Unit {
  Moment at;
  event::ConnectionId connection;  // none for a signal
  bool opens = false, ends = false;
  std::uint32_t first_chunk = 0, chunks = 0;        // in Inputs::chunks
  std::uint32_t first_exchange = 0, exchanges = 0;  // in RecordedConnection::transactions
  std::int32_t signal = 0;                          // 0 none
  std::string process;                              // fork path of who got it
};

// How a thread is named in every run.
struct RecordedThread {
  std::string process;        // fork path
  std::uint32_t ordinal = 0;  // by creation
  friend auto operator<=>(const RecordedThread&, const RecordedThread&) = default;
};

struct RecordedEnd {
  std::optional<event::ProcessExited> exit;  // of the root process; none: it ran on
  std::int32_t signal = 0;                   // the last one the root got from outside
  Moment at;                                 // of the last event
};

// Facts that an archive has at all.
struct KnownFacts {
  bool environment = false, modules = false;
  bool callers = false;    // the code that drew
  bool datagrams = false;  // what was said by them
};

struct Plan {
  [[nodiscard]] static tl::expected<std::unique_ptr<Plan>, Error> read(archive::Reader& reader,
                                                                       const Selection& selection);

  archive::Header header;
  Selection selection;
  std::optional<Timeline> timeline;  // borrows `header`; set by read()
  Names names;
  Tape tape;
  Inputs inputs;
  std::unique_ptr<Streams> streams;
  std::vector<RecordedExchange> exchanges;  // by id
  std::vector<RecordedCall> calls;          // by context, then id
  std::unordered_map<event::ConnectionId, RecordedConnection> connections;
  std::vector<RecordedConnect> connects;        // in recorded order
  std::vector<event::LookedUp> lookup_answers;  // each different one once
  std::vector<RecordedLookup> lookups;          // in recorded order
  std::vector<RecordedListener> listeners;
  std::unordered_map<event::ThreadId, RecordedThread> threads;
  std::unordered_map<std::string, NameId> peer_of_address;
  std::vector<Unit> units;     // in recorded order
  std::uint64_t selected = 0;  // exchanges in `units`
  DrawTally draws;
  RecordedEnd end;
  std::uint64_t processes = 0;  // fork paths
  KnownFacts known_facts;
  // Of the root process, without what was masked in the recording or is set anew for every session.
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<event::FileOpened> start_files;  // that it read before the first client came
  std::string cannot_drive;  // why the recorded clients cannot be played; "" when they can
  Moment began;

  const RecordedExchange* exchange(event::ExchangeId id) const;
  const RecordedExchange* exchange(event::ConnectionId connection, std::uint64_t ordinal) const;
  // The recorded ordinal of what is the `nth` exchange, from 1, on the connection that is driven as
  // `connection`: those before the first request that is driven were left out.
  std::uint64_t ordinal_of(event::ConnectionId connection, std::uint64_t nth) const;
  const RecordedConnection* connection(event::ConnectionId id) const;
  std::span<const RecordedCall> calls_in(const event::Context& context) const;
  // What a connection spoke at first; it may have been upgraded later.
  event::Protocol first_protocol(const RecordedConnection& connection) const;
  // Whether anything was drawn after the input of that tape entry.
  bool has_draws(std::uint32_t entry) const;
  // The name answers are matched by for a peer at `address`; none when the recorded service never
  // went there.
  std::optional<NameId> peer_at(const event::Address& address) const;
};

}  // namespace reprise::replayer
