// Waits for readiness in every form.
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <unistd.h>

#include <string_view>

#include "agent/testing/loopback.h"

extern "C" {
int __poll_chk(pollfd* fds, nfds_t count, int timeout, std::size_t size);
int __ppoll_chk(pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask,
                std::size_t size);
}

namespace {

using namespace reprise::agent::testing;

constexpr timespec kLong{10, 0};

Ends readable_ends() {
  const Ends ends = connected_ends(listen_on_loopback());
  PROBE_EXPECT(send(ends.client, "x", 1, 0) == 1);
  return ends;
}

// Waits by one form until `fd` can be read.
int forms(int argc, char** argv) {
  PROBE_EXPECT(argc == 1);
  const std::string_view form = argv[0];
  const int fd = readable_ends().server;
  pollfd polled{fd, POLLIN, 0};
  fd_set set;
  FD_ZERO(&set);
  FD_SET(fd, &set);
  const int epoll = epoll_create1(0);
  epoll_event event{EPOLLIN, {.fd = fd}};
  PROBE_EXPECT(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
  event = {};
  errno = 4242;
  if (form == "poll") PROBE_EXPECT(poll(&polled, 1, 10000) == 1);
  if (form == "__poll_chk") PROBE_EXPECT(__poll_chk(&polled, 1, 10000, sizeof(polled)) == 1);
  if (form == "ppoll") PROBE_EXPECT(ppoll(&polled, 1, &kLong, nullptr) == 1);
  if (form == "__ppoll_chk") {
    PROBE_EXPECT(__ppoll_chk(&polled, 1, &kLong, nullptr, sizeof(polled)) == 1);
  }
  if (form == "select") {
    timeval timeout{10, 0};
    PROBE_EXPECT(select(fd + 1, &set, nullptr, nullptr, &timeout) == 1);
  }
  if (form == "pselect")
    PROBE_EXPECT(pselect(fd + 1, &set, nullptr, nullptr, &kLong, nullptr) == 1);
  if (form == "epoll_wait") PROBE_EXPECT(epoll_wait(epoll, &event, 1, 10000) == 1);
  if (form == "epoll_pwait") PROBE_EXPECT(epoll_pwait(epoll, &event, 1, 10000, nullptr) == 1);
  if (form == "epoll_pwait2") PROBE_EXPECT(epoll_pwait2(epoll, &event, 1, &kLong, nullptr) == 1);
  PROBE_EXPECT(errno == 4242);
  return 0;
}

struct Session {
  int fd;
};

// Data of every kind in one epoll: a descriptor, a pointer, a number; and an event descriptor.
int epoll_data(int, char**) {
  const Listener listener = listen_on_loopback();
  const Ends first = connected_ends(listener);
  const Ends second = connected_ends(listener);
  const Ends third = connected_ends(listener);
  const int other = eventfd(1, 0);
  const int epoll = epoll_create1(0);
  Session session{second.server};
  epoll_event events[4] = {{EPOLLIN, {.fd = first.server}},
                           {EPOLLIN, {.ptr = &session}},
                           {EPOLLIN, {.u64 = 0xfeedfacecafebeef}},
                           {EPOLLIN, {.u64 = 7}}};
  const int fds[] = {first.server, second.server, third.server, other};
  for (int i = 0; i < 4; ++i)
    PROBE_EXPECT(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &events[i]) == 0);
  for (const Ends& ends : {first, second, third}) PROBE_EXPECT(send(ends.client, "x", 1, 0) == 1);
  PROBE_EXPECT(epoll_wait(epoll, events, 4, -1) == 4);
  return 0;
}

// A number is used again: registered with the same data, for another connection.
int epoll_reused(int, char**) {
  const Listener listener = listen_on_loopback();
  const int epoll = epoll_create1(0);
  Session session{};
  epoll_event event{};
  for (int round = 0; round < 3; ++round) {
    const Ends ends = connected_ends(listener);
    session.fd = ends.server;
    event = {EPOLLIN, {.ptr = &session}};
    PROBE_EXPECT(epoll_ctl(epoll, EPOLL_CTL_ADD, ends.server, &event) == 0);
    PROBE_EXPECT(send(ends.client, "x", 1, 0) == 1);
    PROBE_EXPECT(epoll_wait(epoll, &event, 1, -1) == 1);
    char byte;
    PROBE_EXPECT(read(ends.server, &byte, 1) == 1);
    close(ends.server);
    close(ends.client);
  }
  return 0;
}

// The same data for two: nobody can tell which one it is.
int epoll_ambiguous(int, char**) {
  const Listener listener = listen_on_loopback();
  const Ends first = connected_ends(listener);
  const Ends second = connected_ends(listener);
  const int epoll = epoll_create1(0);
  epoll_event event{EPOLLIN, {.u64 = 1}};
  PROBE_EXPECT(epoll_ctl(epoll, EPOLL_CTL_ADD, first.server, &event) == 0);
  PROBE_EXPECT(epoll_ctl(epoll, EPOLL_CTL_ADD, second.server, &event) == 0);
  PROBE_EXPECT(send(first.client, "x", 1, 0) == 1);
  PROBE_EXPECT(epoll_wait(epoll, &event, 1, -1) == 1);
  return 0;
}

// Both directions of one socket, a hang-up, and a listener.
int select_sets(int, char**) {
  const Listener listener = listen_on_loopback();
  const Ends ends = connected_ends(listener);
  PROBE_EXPECT(send(ends.client, "x", 1, 0) == 1);
  const int waiting = connect_to(listener.address);
  fd_set readable;
  fd_set writable;
  do {
    FD_ZERO(&readable);
    FD_ZERO(&writable);
    FD_SET(ends.server, &readable);
    FD_SET(listener.fd, &readable);
    FD_SET(ends.server, &writable);
  } while (select(FD_SETSIZE, &readable, &writable, nullptr, nullptr) < 3);
  close(waiting);
  return 0;
}

int timed_out(int, char**) {
  const Ends ends = connected_ends(listen_on_loopback());
  pollfd polled{ends.server, POLLIN, 0};
  PROBE_EXPECT(poll(&polled, 1, 1) == 0);
  return 0;
}

int spinning(int, char**) {
  const Ends ends = connected_ends(listen_on_loopback());
  pollfd polled{ends.server, POLLIN, 0};
  for (int round = 0; round < 1000; ++round) PROBE_EXPECT(poll(&polled, 1, 0) == 0);
  PROBE_EXPECT(send(ends.client, "x", 1, 0) == 1);
  for (int round = 0; round < 1000; ++round) poll(&polled, 0, 0);
  return 0;
}

// More sockets ready at once than a record names.
int crowded(int, char**) {
  constexpr int kPairs = 300;
  const int epoll = epoll_create1(0);
  for (int i = 0; i < kPairs; ++i) {
    int ends[2];
    PROBE_EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    epoll_event event{EPOLLOUT, {.fd = ends[0]}};
    PROBE_EXPECT(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event) == 0);
  }
  static epoll_event events[kPairs];
  PROBE_EXPECT(epoll_wait(epoll, events, kPairs, -1) == kPairs);
  return 0;
}

constexpr ProbeCase kCases[] = {
    {"forms", forms},
    {"epoll_data", epoll_data},
    {"epoll_reused", epoll_reused},
    {"epoll_ambiguous", epoll_ambiguous},
    {"select_sets", select_sets},
    {"timed_out", timed_out},
    {"spinning", spinning},
    {"crowded", crowded},
};

}  // namespace

int main(int argc, char** argv) { return run_probe(kCases, argc, argv); }
