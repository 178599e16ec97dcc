// The real peer behind a call that nobody recorded (--on-miss passthrough).
//
// It is asked while the replay stands still: real time that the peer takes is no virtual time, and
// the service, which waits for the answer, cannot tell. What was said on the connection before (a
// login, a selected database) was answered from the recording, so the peer knows nothing of it.
//
// Ownership: owns its socket. Threading: one thread, which it blocks.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <tl/expected.hpp>

#include "event/event.h"

namespace reprise::replayer {

class RealPeer {
 public:
  // What came; true when the answer is whole.
  using Take = std::function<bool(std::span<const std::uint8_t>)>;

  explicit RealPeer(event::Address address) : address_(std::move(address)) {}
  ~RealPeer();
  RealPeer(const RealPeer&) = delete;
  RealPeer& operator=(const RealPeer&) = delete;

  // Sends a request and hands on what comes back, until that is whole. False when the peer closed
  // the connection before. An error says why it cannot be asked, in words.
  [[nodiscard]] tl::expected<bool, std::string> ask(std::span<const std::uint8_t> request,
                                                    const Take& take);

 private:
  tl::expected<void, std::string> connect();
  std::string cannot(const char* what) const;
  void close();

  event::Address address_;
  int socket_ = -1;
};

}  // namespace reprise::replayer
