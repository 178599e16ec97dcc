// Makes, copies, hands on and ends connections.
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>

#include "agent/testing/loopback.h"

namespace {

using namespace reprise::agent::testing;

// Prints a socket's cookie, which is how the test knows it.
void print_cookie(const char* name, int fd) {
  std::uint64_t cookie = 0;
  socklen_t length = sizeof(cookie);
  PROBE_EXPECT(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) == 0);
  printf("%s %lu\n", name, cookie);
  fflush(stdout);
}

int accepted(int, char**) {
  const Listener listener = listen_on_loopback();
  const int client = connect_to(listener.address);
  sockaddr_in peer{};
  socklen_t length = 4;  // too short: cut, and the whole length told
  errno = 77;
  const int server =
      accept4(listener.fd, reinterpret_cast<sockaddr*>(&peer), &length, SOCK_CLOEXEC);
  PROBE_EXPECT(server >= 0 && errno == 77);
  PROBE_EXPECT(length == sizeof(peer));
  sockaddr_in own{};
  length = sizeof(own);
  PROBE_EXPECT(getsockname(client, reinterpret_cast<sockaddr*>(&own), &length) == 0);
  PROBE_EXPECT(peer.sin_port == own.sin_port && peer.sin_addr.s_addr == 0);
  PROBE_EXPECT(fcntl(listener.fd, F_SETFL, O_NONBLOCK) == 0);
  PROBE_EXPECT(accept(listener.fd, nullptr, nullptr) == -1 && errno == EAGAIN);
  printf("port %d\n", ntohs(own.sin_port));
  return 0;
}

int refused(int, char**) {
  const sockaddr_in address = closed_port();
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  PROBE_EXPECT(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == -1 &&
               errno == ECONNREFUSED);
  return 0;
}

// How a service may learn what became of a non-blocking connect.
int nonblocking(int argc, char** argv) {
  PROBE_EXPECT(argc == 2);
  const bool succeeds = strcmp(argv[0], "up") == 0;
  const Listener listener = listen_on_loopback();
  const int fd = connect_to(succeeds ? listener.address : closed_port(), SOCK_NONBLOCK);
  pollfd ready{fd, POLLOUT, 0};
  PROBE_EXPECT(poll(&ready, 1, -1) == 1);
  timespec now{};
  PROBE_EXPECT(clock_gettime(CLOCK_REALTIME, &now) == 0);
  if (strcmp(argv[1], "option") == 0) {
    int outcome = -1;
    socklen_t length = sizeof(outcome);
    PROBE_EXPECT(getsockopt(fd, SOL_SOCKET, SO_ERROR, &outcome, &length) == 0);
    PROBE_EXPECT(outcome == (succeeds ? 0 : ECONNREFUSED));
  } else if (strcmp(argv[1], "send") == 0) {
    PROBE_EXPECT((send(fd, "x", 1, MSG_NOSIGNAL) == 1) == succeeds);
  } else if (strcmp(argv[1], "connect") == 0) {
    const sockaddr_in address = listener.address;
    const int again = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    PROBE_EXPECT(succeeds ? again == 0 || errno == EISCONN : errno == ECONNREFUSED);
  } else if (strcmp(argv[1], "close") == 0) {
    PROBE_EXPECT(close(fd) == 0);
  }
  return 0;
}

// dup in all its forms: one stream, closed when the last copy is.
int copies(int, char**) {
  const Ends ends = connected_ends(listen_on_loopback());
  const int second = dup(ends.client);
  const int third = fcntl(ends.client, F_DUPFD_CLOEXEC, 200);
  const int fourth = dup2(ends.client, 300);
  const int fifth = dup3(ends.client, 301, O_CLOEXEC);
  print_cookie("client", ends.client);
  const int all[] = {ends.client, second, third, fourth, fifth};
  for (const int fd : all) PROBE_EXPECT(send(fd, "ab", 2, 0) == 2);
  char got[10];
  PROBE_EXPECT(recv(ends.server, got, 10, MSG_WAITALL) == 10);
  for (const int fd : all) {
    PROBE_EXPECT(write(1, ".", 1) == 1);
    PROBE_EXPECT(close(fd) == 0);
  }
  PROBE_EXPECT(write(1, "!", 1) == 1);
  return 0;
}

// dup2 over a connection ends it.
int replaced(int, char**) {
  const Listener listener = listen_on_loopback();
  const Ends first = connected_ends(listener);
  const Ends second = connected_ends(listener);
  print_cookie("first", first.client);
  print_cookie("second", second.client);
  PROBE_EXPECT(dup2(second.client, first.client) == first.client);
  PROBE_EXPECT(send(first.client, "for second", 10, 0) == 10);
  PROBE_EXPECT(dup2(-1, second.client) == -1 && errno == EBADF);
  PROBE_EXPECT(send(second.client, "still", 5, 0) == 5);
  return 0;
}

// What daemons do to descriptors they did not open.
int closed_all(int argc, char** argv) {
  PROBE_EXPECT(argc == 1);
  const Ends ends = connected_ends(listen_on_loopback());
  print_cookie("client", ends.client);
  if (strcmp(argv[0], "range") == 0) {
    PROBE_EXPECT(close_range(3, ~0u, 0) == 0);
  } else if (strcmp(argv[0], "from") == 0) {
    closefrom(3);
  } else {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    for (int fd = 3; fd < static_cast<int>(limit.rlim_cur); ++fd) close(fd);
  }
  const Ends later = connected_ends(listen_on_loopback());
  PROBE_EXPECT(send(later.client, "after", 5, 0) == 5);
  return 0;
}

// A child of a fork goes on with the parent's connection.
int inherited(int, char**) {
  const Ends ends = connected_ends(listen_on_loopback());
  PROBE_EXPECT(send(ends.client, "parent", 6, 0) == 6);
  const pid_t child = fork();
  if (child == 0) {
    PROBE_EXPECT(send(ends.client, "child", 5, 0) == 5);
    close(ends.client);
    _exit(0);
  }
  int status = 0;
  PROBE_EXPECT(waitpid(child, &status, 0) == child && status == 0);
  return 0;
}

// A descriptor that comes in a message takes the number of one that was something else.
int passed(int, char**) {
  const Ends ends = connected_ends(listen_on_loopback());
  int channel[2];
  PROBE_EXPECT(socketpair(AF_UNIX, SOCK_DGRAM, 0, channel) == 0);
  char byte = 'x';
  iovec part{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &ends.client, sizeof(int));
  PROBE_EXPECT(sendmsg(channel[0], &message, 0) == 1);
  print_cookie("client", ends.client);
  close(ends.client);
  message.msg_controllen = sizeof(control);
  PROBE_EXPECT(recvmsg(channel[1], &message, 0) == 1);
  int came = -1;
  memcpy(&came, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
  PROBE_EXPECT(send(came, "passed on", 9, 0) == 9);
  return 0;
}

// One socket asks, the other serves.
int datagrams(int, char**) {
  const int receiver = socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof(address);
  PROBE_EXPECT(bind(receiver, reinterpret_cast<sockaddr*>(&address), length) == 0);
  PROBE_EXPECT(getsockname(receiver, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  const int sender = socket(AF_INET, SOCK_DGRAM, 0);
  PROBE_EXPECT(connect(sender, reinterpret_cast<sockaddr*>(&address), length) == 0);
  PROBE_EXPECT(send(sender, "datagram", 8, 0) == 8);
  char got[8];
  PROBE_EXPECT(recv(receiver, got, 8, 0) == 8);
  return 0;
}

constexpr ProbeCase kCases[] = {
    {"accepted", accepted},   {"refused", refused},   {"nonblocking", nonblocking},
    {"copies", copies},       {"replaced", replaced}, {"closed_all", closed_all},
    {"inherited", inherited}, {"passed", passed},     {"datagrams", datagrams},
};

}  // namespace

int main(int argc, char** argv) { return run_probe(kCases, argc, argv); }
