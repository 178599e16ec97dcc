// What happens on the service's sockets: connections, their bytes, and for whom they were moved.
//
// Each function takes one fact, brings connections, exchanges and calls up to date, and returns the
// context of the event. The event itself is emitted by the caller, but for file ranges, whose
// events wait for the result of their send.
//
// Ownership: borrows outlet and participants, owns the connections. Threading: the collector's
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <unordered_set>

#include "event/exchange.h"
#include "recorder/attribution.h"
#include "recorder/connection_table.h"
#include "recorder/exchange_book.h"
#include "recorder/outlet.h"
#include "recorder/participants.h"
#include "recorder/peer_names.h"
#include "recorder/surroundings.h"

namespace reprise::recorder {

class Traffic {
 public:
  // Of a replay: the recorded ordinal of the nth exchange, from 1, on a connection that stands for
  // the recorded one. Not set: n.
  using RecordedOrdinals =
      std::function<std::uint64_t(event::ConnectionId recorded, std::uint64_t nth)>;

  Traffic(Sink& sink, Outlet& outlet, Participants& participants, Surroundings& surroundings,
          RecordedOrdinals recorded_ordinals);

  event::Context listened(ThreadState& thread, const event::Listened& fact);
  event::Context accepted(ThreadState& thread, const event::Event& event,
                          const event::Accepted& fact);
  event::Context connected(ThreadState& thread, const event::Event& event,
                           const event::Connected& fact);
  event::Context connect_finished(ThreadState& thread, const event::ConnectFinished& fact);
  event::Context paired(ThreadState& thread, const event::Event& event, const event::Paired& fact);
  // A descriptor was given to another process, or taken by this one.
  void passed(const ThreadState& thread, const abi::Passed& passed);
  // Offsets of a process that got a connection from another one become those of the connection.
  void rebase(const ThreadState& thread, event::Fact& fact);
  event::Context received(ThreadState& thread, const event::Event& event,
                          const event::BytesReceived& fact);
  // `bytes` of the fact as they lie in the arena, valid while `epoch` lasts; nullptr when they do
  // not.
  event::Context intended(ThreadState& thread, const event::Event& event,
                          const event::SendIntended& fact, const std::uint8_t* bytes);
  // Not emitted yet: kept until finished() knows how much of it went out.
  event::Context range_intended(ThreadState& thread, const event::Event& event,
                                const event::FileRangeSent& fact, std::uint64_t position);
  // Emits the file range that this is the result of.
  event::Context finished(ThreadState& thread, const event::Event& event,
                          const event::SendFinished& fact);
  event::Context shut_down(ThreadState& thread, const event::Event& event,
                           const event::ShutDown& fact);
  event::Context closed(ThreadState& thread, const event::Event& event, const event::Closed& fact);
  event::Context negotiated(ThreadState& thread, const event::Event& event,
                            const event::TlsNegotiated& fact);
  event::Context looked_up(ThreadState& thread, const event::LookedUp& fact);

  // Whether it is a listener or a connection that was accepted.
  bool takes_work_from(event::ConnectionId connection);

  // `child` has what `parent` has open.
  void inherit(const ProcessState& parent, const ProcessState& child);
  // After an exec: what others hold too is theirs alone now.
  void let_go_shared(const ProcessState& process);
  // The thread is gone; sends without a result never get one.
  void thread_gone(ThreadState& thread);
  // The system closed what it had open.
  void process_gone(const ProcessState& process, event::Stamp stamp);
  // Records of this thread are missing: what it may have worked on is not whole.
  void lost_records(ThreadState& thread, const std::string& why);

  // A few times a second: holes that were not filled are losses.
  void age(event::Stamp now, std::uint64_t ticks_per_second);
  // A few times a second: exchanges are told that are over, though nothing newer has begun.
  void tell_finished();
  // The recording is over with connections open.
  void finish(event::Stamp stamp);
  // Pointers into the arena are void.
  void arena_changed() { ++epoch_; }

  ConnectionTable& connections() { return connections_; }
  ExchangeBook& book() { return book_; }
  const ConnectionTable& connections() const { return connections_; }
  const ExchangeBook& book() const { return book_; }
  const Attribution& attribution() const { return attribution_; }

 private:
  ConnectionState& touch(ThreadState& thread, event::ConnectionId id, event::Stamp stamp);
  void hold(ConnectionState& connection, const ProcessState& process);
  void converse_inbound(ConnectionState& connection);
  void converse_outbound(ConnectionState& connection);
  void pair_up(ConnectionState& connection);
  void keep_inside(ConnectionState& end);
  void make_internal(ConnectionState& one, ConnectionState& other);
  void guess_kind(ConnectionState& connection, ThreadState& thread, bool inbound,
                  std::uint64_t offset, event::Stamp stamp);
  std::string peer_label(const ConnectionState& connection) const;

  // Bytes of a direction, in whatever order they come.
  void take(ConnectionState& connection, ByteStream& stream, std::uint64_t offset,
            std::span<const std::uint8_t> bytes, const Moment& moment);
  void take_waiting(ConnectionState& connection, ByteStream& stream);
  void lose(ConnectionState& connection, ByteStream& stream, std::uint64_t resume_at,
            const std::string& why);
  void lose_waiting(ConnectionState& connection, ByteStream& stream);
  event::Context received_datagram(ThreadState& thread, ConnectionState& connection,
                                   const event::Event& event, const event::BytesReceived& fact);
  void send_datagram(ConnectionState& connection, const event::SendIntended& fact,
                     const Moment& moment);
  event::Context read_answer(ThreadState& thread, ConnectionState& connection,
                             const event::Event& event, const event::BytesReceived& fact);
  void hear(ConnectionState& connection, const event::BytesReceived& fact, const Moment& moment);

  event::Context begin_send(ThreadState& thread, ConnectionState& connection);
  void announce(ThreadState& thread, ConnectionState& connection, const PendingSend& send,
                event::Stamp stamp);
  bool repeats_refused(const ConnectionState& connection, const event::SendIntended& fact) const;
  void remember_refused(ConnectionState& connection, const PendingSend& send,
                        std::int64_t result) const;
  void send_range(ThreadState& thread, ConnectionState& connection, const PendingRange& pending,
                  std::uint64_t sent, const event::Event& result, event::Context context);
  void emit_range(ThreadState& thread, const PendingRange& pending, event::Stamp exit,
                  event::Context context);

  event::Context read_internal(ThreadState& thread, ConnectionState& connection,
                               const event::BytesReceived& fact);
  void send_internal(ConnectionState& connection, std::uint64_t end, event::Context context);

  void end(ConnectionState& connection, event::Stamp stamp, const std::string& why, bool orderly);
  std::string why_closed(const ConnectionState& connection) const;

  Outlet& outlet_;
  Participants& participants_;
  Surroundings& surroundings_;
  const RecordedOrdinals recorded_ordinals_;
  ConnectionTable connections_;
  ExchangeBook book_;
  Attribution attribution_;
  PeerNames names_;
  event::ConnectionId nameless_;  // of all sockets without a cookie
  std::uint64_t epoch_ = 1;
  bool any_passed_ = false;
  std::unordered_set<std::string> unix_listeners_;  // addresses
  std::uint64_t losses_ = 0;                        // times that records of anybody were lost
};

}  // namespace reprise::recorder
