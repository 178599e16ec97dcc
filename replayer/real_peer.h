// The real peer behind a call that nobody recorded (--on-miss passthrough).
//
// It is asked while the replay stands still: real time that the peer takes is no virtual time, and
// the service, which waits for the answer, cannot tell. What was said on the connection before (a
// login, a selected database) was answered from the recording, so the peer knows nothing of it.
// Where the recorded peer spoke TLS from the first byte on, so does this one; its certificate is
// believed.
//
// Ownership: owns its socket. Threading: one thread, which it blocks.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>

#include "event/event.h"
#include "replayer/tls/endpoint.h"

namespace reprise::replayer {

class RealPeer {
 public:
  // What came; true when the answer is whole.
  using Take = std::function<bool(std::span<const std::uint8_t>)>;

  // `tls`: none for a peer that speaks in the clear.
  RealPeer(event::Address address, std::optional<tls::Setting> tls)
      : address_(std::move(address)), setting_(std::move(tls)) {}
  ~RealPeer();
  RealPeer(const RealPeer&) = delete;
  RealPeer& operator=(const RealPeer&) = delete;

  // Sends a request and hands on what comes back, until that is whole. False when the peer closed
  // the connection before. An error says why it cannot be asked, in words.
  [[nodiscard]] tl::expected<bool, std::string> ask(std::span<const std::uint8_t> request,
                                                    const Take& take);

 private:
  tl::expected<void, std::string> connect();
  tl::expected<void, std::string> shake_hands();
  tl::expected<void, std::string> send(std::span<const std::uint8_t> bytes);
  // What came next, empty at the end.
  tl::expected<event::Bytes, std::string> receive();
  std::string cannot(const char* what) const;
  void close();

  event::Address address_;
  std::optional<tls::Setting> setting_;
  std::optional<tls::TlsEndpoint> tls_;  // while connected
  int socket_ = -1;
};

}  // namespace reprise::replayer
