// Whether what was sent to the service has reached its kernel. Through a Unix socket it has when
// the call that sent it returns; over the loopback it may be under way.
//
// The acknowledgement says so, but it may be delayed for as long as the service does not read. Then
// the kernel is asked what lies unread in the service's socket (sock_diag(7)), where it lets us. It
// does not where a sandbox forbids netlink sockets; then acknowledgements have to do.
//
// Ownership: owns a netlink socket. Threading: one thread.
#pragma once

#include <cstdint>

namespace reprise::replayer {

class Delivery {
 public:
  Delivery();
  ~Delivery();
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  // Whether the service's kernel has the connection ready to be accepted: ours is established
  // before that. `socket`: ours, connected.
  [[nodiscard]] bool established(int socket);

  // Whether all did that the service's kernel has room for. `socket`: ours, connected. `unread`:
  // bytes given to it that the service is not known to have read. `ended`: the end of the stream
  // was sent, too.
  [[nodiscard]] bool arrived(int socket, std::uint64_t unread, bool ended);

 private:
  struct Answer {
    enum class Kind : std::uint8_t { kUnknown, kNoSocket, kSocket };
    Kind kind = Kind::kUnknown;
    std::uint8_t state = 0;    // TCP_ESTABLISHED…
    std::uint32_t unread = 0;  // bytes
  };
  // What the kernel says of the socket at the other end of ours.
  Answer ask(int socket) const;

  int netlink_;
};

}  // namespace reprise::replayer
