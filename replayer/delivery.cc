#include "replayer/delivery.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

namespace reprise::replayer {
namespace {

struct Question {
  nlmsghdr header;
  inet_diag_req_v2 request;
};

struct Endpoint {
  sa_family_t family = AF_UNSPEC;
  in_port_t port = 0;
  in6_addr address{};
};

std::optional<Endpoint> endpoint(int socket, decltype(&::getsockname) name) {
  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);
  if (name(socket, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return std::nullopt;
  Endpoint found{.family = storage.ss_family};
  if (found.family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    found.port = v4.sin_port;
    std::memcpy(&found.address, &v4.sin_addr, sizeof(v4.sin_addr));
  } else if (found.family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    found.port = v6.sin6_port;
    found.address = v6.sin6_addr;
  } else {
    return std::nullopt;
  }
  return found;
}

// Asks for the socket at the other end of ours.
std::optional<Question> question_for(int socket) {
  const auto own = endpoint(socket, ::getsockname), other = endpoint(socket, ::getpeername);
  if (!own || !other) return std::nullopt;
  Question question{};
  question.header = {.nlmsg_len = sizeof(Question),
                     .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                     .nlmsg_flags = NLM_F_REQUEST,
                     .nlmsg_seq = 0,
                     .nlmsg_pid = 0};
  question.request.sdiag_family = static_cast<std::uint8_t>(other->family);
  question.request.sdiag_protocol = IPPROTO_TCP;
  question.request.idiag_states = ~0u;
  inet_diag_sockid& id = question.request.id;
  id.idiag_sport = other->port;
  id.idiag_dport = own->port;
  std::memcpy(id.idiag_src, &other->address, sizeof(id.idiag_src));
  std::memcpy(id.idiag_dst, &own->address, sizeof(id.idiag_dst));
  id.idiag_cookie[0] = id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return question;
}

bool is_unix(int socket) {
  int domain = AF_UNSPEC;
  socklen_t length = sizeof(domain);
  return ::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_UNIX;
}

}  // namespace

Delivery::Delivery()
    : netlink_(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)) {}

Delivery::~Delivery() {
  if (netlink_ >= 0) ::close(netlink_);
}

Delivery::Answer Delivery::ask(int socket) const {
  const auto question = netlink_ < 0 ? std::nullopt : question_for(socket);
  if (!question || ::send(netlink_, &*question, sizeof(Question), 0) < 0) return {};
  alignas(nlmsghdr) char bytes[1024];
  const ssize_t length = ::recv(netlink_, bytes, sizeof(bytes), 0);
  auto* header = reinterpret_cast<nlmsghdr*>(bytes);  // as NLMSG_DATA takes it
  if (length < static_cast<ssize_t>(sizeof(nlmsghdr)) || header->nlmsg_len > length) return {};
  if (header->nlmsg_type == NLMSG_ERROR) {
    const auto* error = static_cast<const nlmsgerr*>(NLMSG_DATA(header));
    return {.kind = error->error == -ENOENT ? Answer::Kind::kNoSocket : Answer::Kind::kUnknown};
  }
  if (header->nlmsg_len < NLMSG_LENGTH(sizeof(inet_diag_msg))) return {};
  const auto* found = static_cast<const inet_diag_msg*>(NLMSG_DATA(header));
  return {Answer::Kind::kSocket, found->idiag_state, found->idiag_rqueue};
}

bool Delivery::established(int socket) {
  const Answer answer = ask(socket);
  if (answer.kind == Answer::Kind::kUnknown) return true;
  return answer.kind == Answer::Kind::kSocket && answer.state != TCP_SYN_RECV;
}

bool Delivery::arrived(int socket, std::uint64_t unread, bool ended) {
  if (is_unix(socket)) return true;
  int unacknowledged = 0;
  if (::ioctl(socket, SIOCOUTQ, &unacknowledged) != 0 || unacknowledged == 0) return true;
  int unsent = 0;  // for want of room
  if (::ioctl(socket, SIOCOUTQNSD, &unsent) != 0) unsent = 0;
  const Answer answer = ask(socket);
  if (answer.kind != Answer::Kind::kSocket) return answer.kind == Answer::Kind::kNoSocket;
  const bool end_arrived = answer.state != TCP_ESTABLISHED && answer.state != TCP_SYN_RECV;
  return answer.unread + static_cast<std::uint64_t>(unsent) >= unread &&
         (!ended || end_arrived || unsent > 0);
}

}  // namespace reprise::replayer
