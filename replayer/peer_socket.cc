#include "replayer/peer_socket.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <utility>

#include "protocol/client_hello.h"
#include "replayer/socket_address.h"

namespace reprise::replayer {
namespace {

using boost::system::error_code;

constexpr std::size_t kReadBytes = 64 * 1024;

}  // namespace

PeerSocket::PeerSocket(Socket socket, Events& owner)
    : socket_(std::move(socket)), owner_(owner), buffer_(kReadBytes) {
  error_code ignored;  // a Unix socket has no such option
  socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
}

void PeerSocket::start() { read(); }

void PeerSocket::read() {
  socket_.async_read_some(boost::asio::buffer(buffer_),
                          [self = shared_from_this()](const error_code& error, std::size_t length) {
                            if (self->closed_) return;
                            if (error) {
                              // Under TLS the end of the network alone is no end that the service
                              // announced.
                              self->finish(error != boost::asio::error::eof);
                              return;
                            }
                            acknowledge(self->socket_.native_handle());
                            self->take(std::span(self->buffer_).first(length));
                            if (!self->closed_) self->read();
                          });
}

void PeerSocket::take(std::span<const std::uint8_t> bytes) {
  if (!tls_ && protocol::begins_client_hello(bytes)) {
    if (const auto setting = owner_.on_hello()) {
      tls_.emplace(tls::TlsEndpoint::Role::kServer, *setting);
    }
  }
  if (tls_) {
    take_ciphertext(bytes);
  } else {
    owner_.on_bytes(bytes);
  }
}

void PeerSocket::take_ciphertext(std::span<const std::uint8_t> bytes) {
  const event::Bytes plaintext = tls_->receive(bytes);
  write(tls_->take_ciphertext());
  if (closed_) return;
  if (!plaintext.empty()) owner_.on_bytes(plaintext);
  if (closed_) return;
  if (tls_->failed()) {
    finish(true);
  } else if (tls_->peer_closed()) {
    finish(false);
  }
}

void PeerSocket::finish(bool reset) {
  if (!std::exchange(ended_, true)) owner_.on_end(reset);
}

void PeerSocket::send(std::span<const std::uint8_t> bytes) {
  if (!tls_) {
    write(bytes);
    return;
  }
  tls_->send(bytes);
  write(tls_->take_ciphertext());
}

void PeerSocket::write(std::span<const std::uint8_t> bytes) {
  error_code error;
  std::size_t sent = 0;
  while (unsent_.empty() && sent < bytes.size()) {
    sent +=
        socket_.write_some(boost::asio::buffer(bytes.data() + sent, bytes.size() - sent), error);
    if (error) break;
  }
  if (error && error != boost::asio::error::would_block) {
    finish(true);
    return;
  }
  const bool waiting = !unsent_.empty();
  unsent_.insert(unsent_.end(), bytes.begin() + static_cast<std::ptrdiff_t>(sent), bytes.end());
  if (!unsent_.empty() && !waiting) write_later();
}

void PeerSocket::write_later() {
  socket_.async_wait(Socket::wait_write, [self = shared_from_this()](const error_code& error) {
    if (error || self->closed_) return;
    const event::Bytes bytes = std::exchange(self->unsent_, {});
    self->write(bytes);
  });
}

void PeerSocket::end(bool truncated) {
  if (tls_ && !truncated) {
    tls_->close();
    write(tls_->take_ciphertext());
  }
  error_code ignored;
  if (!closed_) socket_.shutdown(Socket::shutdown_send, ignored);
}

void PeerSocket::close(bool reset) {
  if (std::exchange(closed_, true)) return;
  error_code ignored;
  if (reset) socket_.set_option(boost::asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
}

}  // namespace reprise::replayer
