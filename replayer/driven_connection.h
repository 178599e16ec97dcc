// The client of one recorded inbound connection: sends the recorded chunks again and takes what the
// service answers.
//
// The socket, of TCP or a Unix one, is made and connected by libcurl (CURLOPT_CONNECT_ONLY), bound
// beforehand, so that its address is known before the service sees it. A chunk goes out in pieces
// when it is larger than the socket's buffer or has more anchors than fit a ring of marks; each
// when the service has read the one before. Under TLS what it sends and takes is what was
// encrypted.
//
// Ownership: shared with the handlers of its socket. Threading: one thread.
#pragma once

#include <curl/curl.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "agent/abi/control.h"
#include "replayer/answer_watch.h"
#include "replayer/stage.h"
#include "replayer/tls/endpoint.h"

namespace reprise::replayer {

class DrivenConnection : public std::enable_shared_from_this<DrivenConnection> {
 public:
  DrivenConnection(boost::asio::io_context& io, Stage& stage, const RecordedConnection& recorded,
                   LinkId link, AnswerWatch::OnAnswered on_answered);
  ~DrivenConnection();

  const RecordedConnection& recorded() const { return recorded_; }
  LinkId link() const { return link_; }
  // Its own address, "127.0.0.1:4711"; known after open().
  const std::string& address() const { return address_; }
  bool accepted() const { return accepted_; }
  // `socket`: the service's end.
  void set_accepted(abi::Cookie socket) { accepted_ = true, service_socket_ = socket; }
  abi::Cookie service_socket() const { return service_socket_; }
  // Of what was sent to the service, how far it has read.
  std::uint64_t consumed_bytes() const { return consumed_; }
  // The collector's name for it.
  void bind(event::ConnectionId id) { id_ = id; }
  event::ConnectionId id() const { return id_; }
  AnswerWatch& answers() { return answers_; }

  // Connects to where the service really listens.
  [[nodiscard]] tl::expected<void, Error> open(const abi::SocketAddress& service);

  // Begins to send a chunk. `flags` (abi::MarkFlags) go with its first mark.
  // Precondition: the previous one was consumed.
  void send(const Chunk& chunk, const event::Context& context, std::uint32_t flags);
  // Sends what is left of it, as far as it may go now.
  void send_more();
  // The client's half ends as it did. The service's half stays open for the rest of an answer.
  void end(PeerEnd how, std::uint32_t entry, const event::Context& context);
  void close();

  void on_received(const event::BytesReceived& received);
  void on_sent(const event::SendFinished& sent);
  void on_service_closed() { service_closed_ = true; }

  // All of the chunk was sent and read, or nobody is there to read it.
  bool consumed() const;
  // More of the chunk waits to be sent, and all that was sent has been read.
  bool wants_more() const;
  // Something that was sent was not read yet.
  bool unread() const { return !dead_ && (sent_ > consumed_ || negotiating()); }
  // Something that was sent, or the connection itself, may not have reached the service's kernel.
  bool undelivered() const;
  // The service sent something that did not arrive yet.
  bool in_flight() const;
  // The service will send nothing more here.
  bool answers_ended() const { return answers_ended_; }
  // Both ends are closed; the link may be used again.
  bool over() const { return dead_ && (service_closed_ || !accepted_); }

 private:
  static curl_socket_t open_socket(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int keep_socket(void* self, curl_socket_t socket, curlsocktype purpose);

  // TLS is due here, or begun, and its handshake is not over.
  bool negotiating() const;
  void begin_tls();
  void take_ciphertext(std::span<const std::uint8_t> bytes);
  void take(std::span<const std::uint8_t> bytes);

  void wait_for_answers();
  void receive();
  void end_answers(protocol::End how);
  void send_bytes(std::span<const std::uint8_t> bytes);
  void write(std::span<const std::uint8_t> bytes);
  void wait_for_room();
  std::uint64_t publish();

  Stage& stage_;
  const RecordedConnection& recorded_;
  const LinkId link_;
  AnswerWatch answers_;
  std::string address_;
  event::ConnectionId id_;
  abi::Cookie service_socket_ = 0;
  CURL* curl_ = nullptr;
  boost::asio::posix::stream_descriptor readiness_;  // of curl_'s socket, which it does not own
  int socket_ = -1;

  std::optional<tls::TlsEndpoint> tls_;
  std::vector<std::uint8_t> buffer_;
  const Chunk* chunk_ = nullptr;  // being sent
  event::ByteRange rest_;         // of it, in the recorded stream
  event::Context context_;
  std::uint32_t flags_ = 0;
  event::Bytes unsent_;  // the socket's buffer was full
  std::uint64_t sent_ = 0, consumed_ = 0;
  std::uint64_t received_ = 0, sent_by_service_ = 0;
  bool accepted_ = false, answers_ended_ = false, service_closed_ = false, dead_ = false;
};

}  // namespace reprise::replayer
