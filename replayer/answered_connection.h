// The peer of one outbound connection of the replayed service: reads requests, owes answers.
//
// Requests are decoded and matched one by one, whatever connection they were recorded on. A
// connection of a protocol that is not decoded plays one recorded connection instead: what the
// service sends must be that connection's bytes, and what its peer answered is sent when as many
// bytes were received as then.
//
// Datagrams are taken from what the agent tells, one by one: a socket may lose some. Those that
// answer go through the socket.
//
// Outputs wait in order until the schedule releases them. Ownership: shared with the handlers of
// its socket; the responder holds it until both ends are closed. Threading: one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/abi/control.h"
#include "protocol/decoder.h"
#include "replayer/output.h"
#include "replayer/peer_socket.h"
#include "replayer/real_peer.h"
#include "replayer/stage.h"

namespace reprise::replayer {

class AnsweredConnection : private protocol::TransactionSink, private PeerSocket::Events {
 public:
  struct Identity {
    abi::Cookie cookie = 0;
    event::Address peer;         // where the service wanted to go
    std::optional<NameId> name;  // of the peer, when the recording knows it
    LinkId link;
    event::Context context;                        // in which it was opened, of the recording
    const RecordedConnection* recorded = nullptr;  // whose connect outcome it got
    bool datagrams = false;                        // not a stream
    std::shared_ptr<const RecordedTls> tls;  // of connections to this peer; null: they were plain
  };

  AnsweredConnection(Stage& stage, Identity identity);
  ~AnsweredConnection();

  const Identity& identity() const { return identity_; }

  // The service's socket arrived. Begins to read.
  void attach(PeerSocket::Socket socket);
  // The collector's name for it.
  void bind(event::ConnectionId id) { id_ = id; }
  event::ConnectionId id() const { return id_; }

  void on_sent(const event::SendIntended& sent, const event::Context& context);
  void on_sent(const event::SendFinished& sent);
  void on_received(const event::BytesReceived& received);
  void on_closed();
  // Of what was sent to the service, how far it has read.
  std::uint64_t consumed() const { return consumed_; }

  // The output that is next, none when nothing is owed or the service has not read the previous
  // one. With `forced` that does not matter.
  const Output* next(bool forced) const;
  // Sends what next() told. `limit`: the earliest deadline of a thread of the service.
  void release(Moment limit);
  // Something released was not read yet.
  bool unread() const { return !dead_ && released_ > consumed_; }
  // Something that was released may not have reached the service's kernel.
  bool undelivered() const;
  // The service sent something that did not arrive yet.
  bool in_flight() const {
    return !dead_ && socket_ && !identity_.datagrams && sent_by_service_ > received_;
  }
  // A request has begun and is not whole.
  bool mid_request() const { return request_begun_.has_value(); }
  // A TLS handshake is under way.
  bool negotiating() const { return !dead_ && socket_ && socket_->negotiating(); }
  // Both ends are closed; the link may be used again. Ask when all sockets that had arrived were
  // attached: one that did not by then was closed before.
  bool over() const { return service_closed_ && (dead_ || !socket_); }

 private:
  // A recorded connection being played back.
  struct Script {
    const RecordedConnection* recorded = nullptr;
    std::uint64_t received = 0;   // in the recorded stream of what the service sent
    std::size_t transaction = 0;  // next in recorded->transactions
  };

  std::optional<tls::Setting> on_hello() override;
  void on_bytes(std::span<const std::uint8_t> bytes) override;
  void on_end(bool reset) override;

  void on_request_begin(const protocol::Transaction& transaction) override;
  void on_request_end(const protocol::Transaction& transaction) override;
  void on_response_begin(const protocol::Transaction&) override {}
  void on_response_end(const protocol::Transaction&) override { response_whole_ = true; }
  void on_opaque(event::Protocol protocol, std::string_view why, std::uint64_t client_offset,
                 std::uint64_t server_offset) override;

  void begin_script(const RecordedConnection& recorded, std::uint64_t received);
  void play(std::span<const std::uint8_t> bytes);
  void answer_turns();
  void answer_expectation();
  void owe(std::vector<Output> outputs);
  void miss(event::Bytes request = {});
  void hand_back();
  void pass_on(const Output& output);
  event::Context context_at(std::uint64_t offset);
  event::Bytes request_bytes(event::ByteRange range) const;
  CallRequest request_of(const protocol::Transaction& transaction, event::Bytes bytes);

  // Publishes the marks of `output` and returns up to where its bytes may go now.
  std::uint64_t publish(const Output& output);
  void release_bytes();
  // Takes what may go now of the output that is next; whether what follows was read together with
  // it.
  bool take_bytes(event::Bytes& taken);
  void send(std::span<const std::uint8_t> bytes);
  bool awaits_tls() const;
  void close(bool reset);
  void close_when_done();
  void close_after_peer(Output::Kind how);

  Stage& stage_;
  Identity identity_;
  event::ConnectionId id_;
  std::shared_ptr<PeerSocket> socket_;

  std::unique_ptr<protocol::ConnectionDecoder> decoder_;  // none while a script is played
  std::optional<Script> script_;
  event::Bytes parts_;               // of a datagram that is told in several records
  event::Bytes requests_;            // bytes of requests not whole yet
  std::uint64_t requests_base_ = 0;  // stream offset of its first
  std::uint64_t received_ = 0;
  std::uint64_t sent_by_service_ = 0;
  std::optional<std::uint64_t> request_begun_;
  bool continue_checked_ = false;
  std::uint64_t interim_ = 0;                // bytes of an interim response that were owed early
  const RecordedCall* last_call_ = nullptr;  // that was answered here
  const RecordedCall* followed_ =
      nullptr;                           // the last one that did work; the first set-up until then
  std::unique_ptr<RealPeer> real_peer_;  // once something was passed on
  bool response_whole_ = false;          // the last one that was sent
  std::deque<std::pair<std::uint64_t, event::Context>> contexts_;  // by offset of the send

  std::deque<Output> outputs_;
  std::uint64_t released_ = 0;  // bytes, and consumed by the service
  std::uint64_t consumed_ = 0;
  bool end_sent_ = false;
  bool requests_ended_ = false;  // the service sends no more
  bool service_closed_ = false;  // it closed its socket
  bool dead_ = false;            // ours is closed
};

}  // namespace reprise::replayer
