// The socket of a connection that the service opened, at our end, plain or under TLS.
//
// What the service sends comes as plaintext through PeerSocket::Events; what is sent goes out at
// once or as soon as there is room. Under TLS the handshake is done here, and what is sent waits
// for it.
//
// Ownership: shared with the handlers of the socket; events go to `owner` until close(), so the
// owner closes it at its end. Threading: one thread.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "event/event.h"
#include "replayer/tls/endpoint.h"

namespace reprise::replayer {

class PeerSocket : public std::enable_shared_from_this<PeerSocket> {
 public:
  class Events {
   public:
    // What the network brought begins with a ClientHello: the setting to answer it with, or none
    // and then it is bytes like any other.
    virtual std::optional<tls::Setting> on_hello() = 0;
    virtual void on_bytes(std::span<const std::uint8_t> bytes) = 0;
    // The service sends no more. `reset`: the connection is broken.
    virtual void on_end(bool reset) = 0;

   protected:
    ~Events() = default;
  };

  // Through TCP or a Unix socket.
  using Socket = boost::asio::generic::stream_protocol::socket;

  PeerSocket(Socket socket, Events& owner);

  // Begins to read.
  void start();
  void send(std::span<const std::uint8_t> bytes);
  // No more is sent: with close_notify under TLS, unless the peer was recorded to leave that out.
  void end(bool truncated);
  // No event comes after it.
  void close(bool reset);

  // Something waits for room in the socket.
  bool full() const { return !unsent_.empty(); }
  std::size_t unsent() const { return unsent_.size(); }
  bool under_tls() const { return tls_.has_value(); }
  // The handshake has begun and is not over.
  bool negotiating() const { return tls_ && !tls_->established() && !tls_->failed(); }
  int descriptor() { return socket_.native_handle(); }

 private:
  void read();
  void take(std::span<const std::uint8_t> bytes);
  void take_ciphertext(std::span<const std::uint8_t> bytes);
  void finish(bool reset);
  void write(std::span<const std::uint8_t> bytes);
  void write_later();

  Socket socket_;
  Events& owner_;
  std::vector<std::uint8_t> buffer_;
  std::optional<tls::TlsEndpoint> tls_;
  event::Bytes unsent_;
  bool ended_ = false;  // the owner was told
  bool closed_ = false;
};

}  // namespace reprise::replayer
