// Non-intrusive `serialize` functions of everything an archive stores: the one place that says
// which fields are written, and in which order. Found by ADL, called by Boost.Serialization's
// dispatch.
//
// Rules of evolution (docs/archive_format.md): the order of fields never changes. A new field goes
// to the end of a structure that ends its record (a fact, Connection, Exchange, Call, Header,
// Trailer) and is guarded by `if (version >= M)` with M the minor version that brought it.
// Structures nested in others (Address, Context, Ready, LookupAddress, ByteRange) are frozen. A new
// fact goes to the end of event::Fact.
#pragma once

#include <utility>
#include <variant>

#include "archive/format.h"
#include "archive/journal.h"
#include "archive/record.h"
#include "archive/record_archive.h"
#include "event/exchange.h"

namespace reprise::archive {

// A protocol of the future is an unknown one.
inline Enumerated<event::Protocol> protocol_field(event::Protocol& protocol) {
  return enumerated(protocol, event::Protocol::kUnknown, event::Protocol::kUdp, true);
}

// Of a variant: one byte that tells which alternative it is, and that.
template <typename... Alternatives>
void alternative(OutputArchive& ar, const std::variant<Alternatives...>& value) {
  ar << static_cast<std::uint8_t>(value.index());
  std::visit([&ar](const auto& held) { ar << held; }, value);
}
template <typename Variant, std::size_t... kIndex>
void load_alternative(InputArchive& ar, Variant& value, std::uint64_t tag,
                      std::index_sequence<kIndex...>) {
  const bool known = ((tag == kIndex && (ar >> value.template emplace<kIndex>(), true)) || ...);
  if (!known) throw UnknownKind{tag};
}
template <typename... Alternatives>
void alternative(InputArchive& ar, std::variant<Alternatives...>& value) {
  std::uint8_t tag = 0;
  ar >> tag;
  load_alternative(ar, value, tag, std::index_sequence_for<Alternatives...>());
}

}  // namespace reprise::archive

namespace reprise::event {

// --- Building blocks ---------------------------------------------------------------------------

template <typename Archive, typename Tag>
void serialize(Archive& ar, Id<Tag>& id, unsigned) {
  archive::fields(ar, id.value);
}
template <typename Archive>
void serialize(Archive& ar, Stamp& stamp, unsigned) {
  archive::fields(ar, archive::StampTicks{stamp.ticks});
}
template <typename Archive>
void serialize(Archive& ar, ByteRange& range, unsigned) {
  archive::fields(ar, range.begin, range.end);
}
template <typename Archive>
void serialize(Archive& ar, Address& address, unsigned) {
  archive::fields(ar, address.text, address.raw);
}
template <typename Archive>
void serialize(Archive& ar, Context& context, unsigned) {
  archive::fields(ar, archive::enumerated(context.kind, Context::Kind::kBackground,
                                          Context::Kind::kUnattributed));
  if (context.kind == Context::Kind::kExchange) {
    archive::fields(ar, context.exchange);
  } else if constexpr (Archive::is_loading::value) {
    context.exchange = {};
  }
}

// --- Facts -------------------------------------------------------------------------------------

template <typename Archive>
void serialize(Archive& ar, ProcessStarted& fact, unsigned) {
  archive::fields(ar, fact.executable, fact.arguments, fact.environment, fact.pid, fact.parent,
                  fact.path, fact.image);
}
template <typename Archive>
void serialize(Archive& ar, ModuleLoaded& fact, unsigned) {
  archive::fields(ar, fact.path, fact.begin, fact.end, fact.bias);
}
template <typename Archive>
void serialize(Archive& ar, ProcessForked& fact, unsigned) {
  archive::fields(ar, fact.child, fact.ordinal, fact.error);
}
template <typename Archive>
void serialize(Archive& ar, ProgramExecuted& fact, unsigned) {
  archive::fields(ar, fact.path, fact.capturable, fact.error);
}
template <typename Archive>
void serialize(Archive& ar, ProcessExited& fact, unsigned) {
  archive::fields(
      ar, archive::enumerated(fact.how, ProcessExited::How::kCode, ProcessExited::How::kSignal),
      fact.value);
}
template <typename Archive>
void serialize(Archive& ar, SignalReceived& fact, unsigned) {
  archive::fields(ar, fact.number, fact.code, fact.from_pid, fact.address, fact.fatal);
}
template <typename Archive>
void serialize(Archive& ar, ThreadStarted& fact, unsigned) {
  archive::fields(ar, fact.ordinal, fact.creator, fact.tid);
}
template <typename Archive>
void serialize(Archive&, ThreadEnded&, unsigned) {}
template <typename Archive>
void serialize(Archive& ar, HandedOff& fact, unsigned) {
  archive::fields(
      ar, archive::enumerated(fact.kind, HandedOff::Kind::kThreadCreated, HandedOff::Kind::kDrop),
      fact.token);
}
template <typename Archive>
void serialize(Archive& ar, Listened& fact, unsigned) {
  archive::fields(ar, fact.listener, fact.local, fact.error);
}
template <typename Archive>
void serialize(Archive& ar, Accepted& fact, unsigned) {
  archive::fields(ar, fact.listener, fact.connection, fact.local, fact.peer, fact.error,
                  fact.recorded);
}
template <typename Archive>
void serialize(Archive& ar, Connected& fact, unsigned) {
  archive::fields(ar, fact.connection, fact.peer, fact.local, fact.type, fact.error);
}
template <typename Archive>
void serialize(Archive& ar, ConnectFinished& fact, unsigned) {
  archive::fields(ar, fact.connection, fact.error);
}
template <typename Archive>
void serialize(Archive& ar, Paired& fact, unsigned) {
  archive::fields(ar, fact.first, fact.second);
}
template <typename Archive>
void serialize(Archive& ar, ShutDown& fact, unsigned) {
  archive::fields(ar, fact.connection, fact.how, fact.error);
}
template <typename Archive>
void serialize(Archive& ar, Closed& fact, unsigned) {
  archive::fields(ar, fact.connection, fact.unread);
}
template <typename Archive>
void serialize(Archive& ar, BytesReceived& fact, unsigned) {
  archive::fields(ar, fact.connection, fact.offset, fact.requested, fact.error, fact.continues,
                  fact.bytes);
}
template <typename Archive>
void serialize(Archive& ar, SendIntended& fact, unsigned) {
  archive::fields(ar, fact.connection, fact.offset, fact.continues, fact.bytes);
}
template <typename Archive>
void serialize(Archive& ar, SendFinished& fact, unsigned) {
  archive::fields(ar, fact.connection, fact.offset, fact.result, fact.error);
}
template <typename Archive>
void serialize(Archive& ar, FileRangeSent& fact, unsigned) {
  archive::fields(ar, fact.connection, fact.offset, fact.path, fact.device, fact.inode,
                  fact.file_size, fact.modified_ns, fact.file_offset, fact.length, fact.content);
}
template <typename Archive>
void serialize(Archive& ar, Ready& ready, unsigned) {
  archive::fields(ar, ready.connection, ready.readable, ready.writable, ready.hangup, ready.failed);
}
template <typename Archive>
void serialize(Archive& ar, Waited& fact, unsigned) {
  archive::fields(ar, archive::enumerated(fact.kind, Waited::Kind::kEpoll, Waited::Kind::kSelect),
                  fact.timeout_ns, fact.result, fact.error, fact.ready, fact.others);
}
template <typename Archive>
void serialize(Archive& ar, ClockRead& fact, unsigned) {
  archive::fields(ar, fact.source, fact.value_ns, fact.caller, fact.substituted, fact.relaxed);
}
template <typename Archive>
void serialize(Archive& ar, RandomDrawn& fact, unsigned) {
  archive::fields(ar, fact.source, fact.bytes, fact.caller, fact.error, fact.substituted,
                  fact.relaxed);
}
template <typename Archive>
void serialize(Archive& ar, LookupAddress& address, unsigned) {
  archive::fields(ar, address.family, address.type, address.protocol, address.address);
}
template <typename Archive>
void serialize(Archive& ar, LookedUp& fact, unsigned) {
  archive::fields(ar, fact.node, fact.service, fact.canonical_name, fact.family, fact.type,
                  fact.protocol, fact.flags, fact.result, fact.error, fact.addresses);
}
template <typename Archive>
void serialize(Archive& ar, CallAnnotated& fact, unsigned) {
  archive::fields(ar, fact.name, fact.arguments, fact.result, fact.threw);
}
template <typename Archive>
void serialize(Archive& ar, EntryPassed& fact, unsigned) {
  archive::fields(ar, fact.name, fact.id, fact.opened, fact.payload);
}
template <typename Archive>
void serialize(Archive& ar, LogWritten& fact, unsigned) {
  archive::fields(ar, fact.stream, fact.bytes);
}
template <typename Archive>
void serialize(Archive& ar, Gap& fact, unsigned) {
  archive::fields(ar, fact.records, fact.bytes, fact.reason);
}
template <typename Archive>
void serialize(Archive& ar, LeakSeen& fact, unsigned) {
  archive::fields(ar, fact.system_call, fact.instruction);
}

template <typename Archive>
void serialize(Archive& ar, FileOpened& fact, unsigned) {
  archive::fields(ar, fact.path, fact.device, fact.inode, fact.file_size, fact.modified_ns,
                  fact.digest);
}

template <typename Archive>
void serialize(Archive& ar, TlsNegotiated& fact, unsigned) {
  archive::fields(ar, fact.connection, fact.in_offset, fact.out_offset, fact.version, fact.client,
                  fact.resumed, fact.verdict, fact.error, fact.server_name, fact.protocol,
                  fact.cipher, fact.certificates);
}

// --- The event ---------------------------------------------------------------------------------

template <typename Archive>
void serialize(Archive& ar, Fact& fact, unsigned) {
  archive::alternative(ar, fact);
}

template <typename Archive>
void serialize(Archive& ar, Event& event, unsigned) {
  archive::fields(ar, event.process, event.thread, event.position, event.enter, event.exit,
                  event.context, event.fact);
}

// --- What the collector derives ----------------------------------------------------------------

template <typename Archive>
void serialize(Archive& ar, Connection& connection, unsigned minor) {
  archive::fields(
      ar, connection.id, connection.process,
      archive::enumerated(connection.direction, Direction::kInbound, Direction::kOutbound),
      archive::protocol_field(connection.protocol), connection.local, connection.peer,
      connection.peer_name, connection.listener, connection.recorded, connection.socket,
      connection.internal, connection.opened, connection.closed);
  if (minor >= 2) archive::fields(ar, connection.tls);
}
template <typename Archive>
void serialize(Archive& ar, Exchange& exchange, unsigned) {
  archive::fields(ar, exchange.id, exchange.connection, exchange.ordinal, exchange.process,
                  archive::protocol_field(exchange.protocol), exchange.method, exchange.target,
                  exchange.status, exchange.request, exchange.response, exchange.first_byte_in,
                  exchange.last_byte_in, exchange.first_byte_out, exchange.last_byte_out,
                  exchange.complete, exchange.incomplete_why, exchange.calls, exchange.draws);
}
template <typename Archive>
void serialize(Archive& ar, Call& call, unsigned) {
  archive::fields(ar, call.id, call.context, call.connection,
                  archive::protocol_field(call.protocol), call.peer, call.operation, call.target,
                  call.status, call.ordinal, call.request, call.response, call.first_byte_out,
                  call.last_byte_out, call.first_byte_in, call.last_byte_in, call.prelude,
                  call.complete);
}

}  // namespace reprise::event

namespace reprise::archive {

template <typename Archive>
void serialize(Archive& ar, Header& header, unsigned minor) {
  // Stamps of the header are absolute: its block has base 0.
  fields(ar, header.session, header.reprise_version, header.command, header.working_directory,
         header.host, header.replay, header.replay_of, header.stamps_per_second, header.epoch,
         header.realtime_epoch_ns, header.monotonic_epoch_ns);
  if (minor >= 3) fields(ar, header.journal);
  if (minor >= 4) fields(ar, header.replayed_only, header.replayed_prefix);
}
template <typename Archive>
void serialize(Archive& ar, Trailer& trailer, unsigned) {
  fields(ar, trailer.events, trailer.exchanges, trailer.calls, trailer.connections, trailer.gaps,
         trailer.dropped, trailer.unattributed, trailer.exit, trailer.exited, trailer.recovered);
}
template <typename Archive>
void serialize(Archive& ar, ContentChunk& chunk, unsigned) {
  fields(ar, chunk.number, chunk.hash_low, chunk.hash_high, chunk.size, chunk.offset, chunk.bytes);
}
template <typename Archive>
void serialize(Archive& ar, TableRoot& root, unsigned) {
  fields(ar, root.offset, root.entries);
}
template <typename Archive>
void serialize(Archive& ar, TableRoots& roots, unsigned) {
  fields(ar, roots.blocks, roots.exchanges, roots.calls, roots.connections, roots.contents);
}

// --- The journal ---------------------------------------------------------------------------------

namespace journal {

template <typename Archive>
void serialize(Archive& ar, Begun& note, unsigned) {
  fields(ar, note.environment);
}
template <typename Archive>
void serialize(Archive& ar, Process& note, unsigned) {
  fields(ar, note.slot, note.pid, note.parent, note.ordinal, note.image, note.path);
}
template <typename Archive>
void serialize(Archive& ar, Thread& note, unsigned) {
  fields(ar, note.slot, note.ordinal, note.creator, note.tid, note.process);
}
template <typename Archive>
void serialize(Archive& ar, ThreadGone& note, unsigned) {
  fields(ar, note.slot);
}
template <typename Archive>
void serialize(Archive& ar, ProcessGone& note, unsigned) {
  fields(ar, note.slot, note.now);
}
template <typename Archive>
void serialize(Archive& ar, Status& note, unsigned) {
  fields(ar, note.pid, note.exit);
}
template <typename Archive>
void serialize(Archive& ar, Loss& note, unsigned) {
  fields(ar, note.slot, note.position, note.records, note.bytes, note.reason);
}
template <typename Archive>
void serialize(Archive& ar, Missing& note, unsigned) {
  fields(ar, note.reason, note.records, note.now);
}
template <typename Archive>
void serialize(Archive& ar, Tick& note, unsigned) {
  fields(ar, note.now);
}
template <typename Archive>
void serialize(Archive& ar, FileRead& note, unsigned) {
  fields(ar, note.device, note.inode, note.file_size, note.modified_ns, note.file_offset,
         note.length, note.content, note.why);
}
template <typename Archive>
void serialize(Archive& ar, StartFile& note, unsigned) {
  fields(ar, note.file, note.time_zone);
}
template <typename Archive>
void serialize(Archive& ar, Ended& note, unsigned) {
  fields(ar, note.now);
}
template <typename Archive>
void serialize(Archive& ar, Note& note, unsigned) {
  alternative(ar, note);
}

}  // namespace journal

}  // namespace reprise::archive
