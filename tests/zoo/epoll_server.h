// One thread, epoll and non-blocking sockets: a server as people write it by hand. What the bytes
// of a connection mean is left to the case.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace zoo {

// One connection's side of the conversation.
class Conversation {
 public:
  virtual ~Conversation() = default;

  // Takes what one wake-up of the connection brought, which is any part of the stream, and returns
  // what is to be sent.
  virtual std::string Received(std::string_view bytes) = 0;
};

// Serves for ever, edge-triggered: at each wake-up all is read that there is.
[[noreturn]] void ServeWithEpoll(const std::function<std::unique_ptr<Conversation>()>& begin);

}  // namespace zoo
