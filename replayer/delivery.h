// Whether what was sent over the loopback has reached the service's kernel.
//
// The acknowledgement says so, but it may be delayed for as long as the service does not read. Then
// the kernel is asked what lies unread in the service's socket (sock_diag(7)), where it lets us.
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

  // Whether all did that the service's kernel has room for. `socket`: ours, connected. `unread`:
  // bytes given to it that the service is not known to have read. `ended`: the end of the stream
  // was sent, too.
  [[nodiscard]] bool arrived(int socket, std::uint64_t unread, bool ended);

 private:
  int netlink_;
};

}  // namespace reprise::replayer
