// Moves bytes over a connection in every form the C library has.
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <string>
#include <vector>

#include "agent/testing/probe.h"

extern "C" {
ssize_t __read_chk(int fd, void* buffer, std::size_t count, std::size_t size);
ssize_t __recv_chk(int fd, void* buffer, std::size_t count, std::size_t size, int flags);
ssize_t __recvfrom_chk(int fd, void* buffer, std::size_t count, std::size_t size, int flags,
                       sockaddr* address, socklen_t* length);
ssize_t __read(int fd, void* buffer, std::size_t count);
ssize_t __write(int fd, const void* buffer, std::size_t count);
ssize_t __send(int fd, const void* buffer, std::size_t count, int flags);
int __dprintf_chk(int fd, int flag, const char* format, ...);
}

namespace {

using reprise::agent::testing::ProbeCase;

struct Ends {
  int server;  // accepted
  int client;  // connected
};

Ends connect_ends(int family) {
  sockaddr_storage address{};
  address.ss_family = static_cast<sa_family_t>(family);
  socklen_t length = sizeof(address);
  if (family == AF_INET) {
    reinterpret_cast<sockaddr_in&>(address).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    length = sizeof(sockaddr_in);
  } else if (family == AF_INET6) {
    reinterpret_cast<sockaddr_in6&>(address).sin6_addr = in6addr_loopback;
    length = sizeof(sockaddr_in6);
  } else {
    length = sizeof(sa_family_t);  // the kernel picks an abstract name
  }
  const int listener = socket(family, SOCK_STREAM, 0);
  PROBE_EXPECT(bind(listener, reinterpret_cast<sockaddr*>(&address), length) == 0);
  PROBE_EXPECT(listen(listener, 5) == 0);
  length = sizeof(address);
  PROBE_EXPECT(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  Ends ends{};
  ends.client = socket(family, SOCK_STREAM, 0);
  PROBE_EXPECT(connect(ends.client, reinterpret_cast<sockaddr*>(&address), length) == 0);
  ends.server = accept(listener, nullptr, nullptr);
  PROBE_EXPECT(ends.server >= 0);
  close(listener);
  return ends;
}

iovec vector_of(void* bytes, std::size_t length) { return {bytes, length}; }

// --- Forms ---------------------------------------------------------------------------------------

// Each reads up to `size` bytes in two parts where the form has several.
using ReadForm = ssize_t (*)(int fd, char* to, std::size_t size);

struct NamedReadForm {
  const char* name;
  ReadForm read;
};

ssize_t by_readv(int fd, char* to, std::size_t size) {
  const iovec parts[] = {vector_of(to, 3), vector_of(to + 3, 0), vector_of(to + 3, size - 3)};
  return readv(fd, parts, 3);
}

ssize_t by_preadv2(int fd, char* to, std::size_t size) {
  const iovec part = vector_of(to, size);
  return preadv2(fd, &part, 1, -1, 0);
}

ssize_t by_recvmsg(int fd, char* to, std::size_t size) {
  iovec parts[] = {vector_of(to, 2), vector_of(to + 2, size - 2)};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  return recvmsg(fd, &message, 0);
}

ssize_t by_recvmmsg(int fd, char* to, std::size_t size) {
  iovec part = vector_of(to, size);
  mmsghdr message{};
  message.msg_hdr.msg_iov = &part;
  message.msg_hdr.msg_iovlen = 1;
  return recvmmsg(fd, &message, 1, 0, nullptr) == 1 ? static_cast<ssize_t>(message.msg_len) : -1;
}

constexpr NamedReadForm kReadForms[] = {
    {"read", [](int fd, char* to, std::size_t size) { return read(fd, to, size); }},
    {"__read", [](int fd, char* to, std::size_t size) { return __read(fd, to, size); }},
    {"__read_chk",
     [](int fd, char* to, std::size_t size) { return __read_chk(fd, to, size, size); }},
    {"readv", by_readv},
    {"preadv2", by_preadv2},
    {"recv", [](int fd, char* to, std::size_t size) { return recv(fd, to, size, 0); }},
    {"__recv_chk",
     [](int fd, char* to, std::size_t size) { return __recv_chk(fd, to, size, size, 0); }},
    {"recvfrom", [](int fd, char* to,
                    std::size_t size) { return recvfrom(fd, to, size, 0, nullptr, nullptr); }},
    {"__recvfrom_chk",
     [](int fd, char* to, std::size_t size) {
       return __recvfrom_chk(fd, to, size, size, 0, nullptr, nullptr);
     }},
    {"recvmsg", by_recvmsg},
    {"recvmmsg", by_recvmmsg},
    {"syscall-read",
     [](int fd, char* to, std::size_t size) -> ssize_t { return syscall(SYS_read, fd, to, size); }},
    {"syscall-recvfrom",
     [](int fd, char* to, std::size_t size) -> ssize_t {
       return syscall(SYS_recvfrom, fd, to, size, 0, nullptr, nullptr);
     }},
    {"stdio",
     [](int fd, char* to, std::size_t size) -> ssize_t {
       FILE* file = fdopen(dup(fd), "r");
       PROBE_EXPECT(fileno(file) >= 0);
       setvbuf(file, nullptr, _IONBF, 0);
       std::size_t got = 0;
       while (got < size && fread(to + got, 1, 1, file) == 1) ++got;
       return static_cast<ssize_t>(got);
     }},
};

using WriteForm = ssize_t (*)(int fd, const char* from, std::size_t size);

struct NamedWriteForm {
  const char* name;
  WriteForm write;
};

ssize_t by_writev(int fd, const char* from, std::size_t size) {
  auto* bytes = const_cast<char*>(from);
  const iovec parts[] = {vector_of(bytes, 0), vector_of(bytes, 5), vector_of(bytes + 5, size - 5)};
  return writev(fd, parts, 3);
}

ssize_t by_pwritev2(int fd, const char* from, std::size_t size) {
  const iovec part = vector_of(const_cast<char*>(from), size);
  return pwritev2(fd, &part, 1, -1, 0);
}

ssize_t by_sendmsg(int fd, const char* from, std::size_t size) {
  auto* bytes = const_cast<char*>(from);
  iovec parts[] = {vector_of(bytes, 1), vector_of(bytes + 1, size - 1)};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  return sendmsg(fd, &message, 0);
}

ssize_t by_sendmmsg(int fd, const char* from, std::size_t size) {
  auto* bytes = const_cast<char*>(from);
  iovec parts[] = {vector_of(bytes, 4), vector_of(bytes + 4, size - 4)};
  mmsghdr messages[2]{};
  for (int i = 0; i < 2; ++i) {
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  PROBE_EXPECT(sendmmsg(fd, messages, 2, 0) == 2);
  return static_cast<ssize_t>(messages[0].msg_len + messages[1].msg_len);
}

constexpr NamedWriteForm kWriteForms[] = {
    {"write", [](int fd, const char* from, std::size_t size) { return write(fd, from, size); }},
    {"__write", [](int fd, const char* from, std::size_t size) { return __write(fd, from, size); }},
    {"writev", by_writev},
    {"pwritev2", by_pwritev2},
    {"send", [](int fd, const char* from, std::size_t size) { return send(fd, from, size, 0); }},
    {"__send",
     [](int fd, const char* from, std::size_t size) { return __send(fd, from, size, 0); }},
    {"sendto", [](int fd, const char* from,
                  std::size_t size) { return sendto(fd, from, size, MSG_NOSIGNAL, nullptr, 0); }},
    {"sendmsg", by_sendmsg},
    {"sendmmsg", by_sendmmsg},
    {"syscall-write",
     [](int fd, const char* from, std::size_t size) -> ssize_t {
       return syscall(SYS_write, fd, from, size);
     }},
    {"syscall-sendto",
     [](int fd, const char* from, std::size_t size) -> ssize_t {
       return syscall(SYS_sendto, fd, from, size, 0, nullptr, 0);
     }},
    {"dprintf",
     [](int fd, const char* from, std::size_t size) -> ssize_t {
       return dprintf(fd, "%.*s", static_cast<int>(size), from);
     }},
    {"__dprintf_chk",
     [](int fd, const char* from, std::size_t size) -> ssize_t {
       return __dprintf_chk(fd, 1, "%.*s", static_cast<int>(size), from);
     }},
    {"stdio",
     [](int fd, const char* from, std::size_t size) -> ssize_t {
       FILE* file = fdopen(dup(fd), "w");
       const std::size_t written = fwrite(from, 1, size, file);
       PROBE_EXPECT(fclose(file) == 0);
       return static_cast<ssize_t>(written);
     }},
};

constexpr char kText[] = "GET /probe HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr std::size_t kTextBytes = sizeof(kText) - 1;

// client writes by one form, server reads by another; then the end of the stream.
int forms(int argc, char** argv) {
  PROBE_EXPECT(argc == 3);
  const int family = strcmp(argv[0], "inet") == 0    ? AF_INET
                     : strcmp(argv[0], "inet6") == 0 ? AF_INET6
                                                     : AF_UNIX;
  WriteForm write_form = nullptr;
  for (const NamedWriteForm& form : kWriteForms) {
    if (strcmp(form.name, argv[1]) == 0) write_form = form.write;
  }
  ReadForm read_form = nullptr;
  for (const NamedReadForm& form : kReadForms) {
    if (strcmp(form.name, argv[2]) == 0) read_form = form.read;
  }
  PROBE_EXPECT(write_form != nullptr && read_form != nullptr);
  const Ends ends = connect_ends(family);
  errno = 4242;
  PROBE_EXPECT(write_form(ends.client, kText, kTextBytes) == static_cast<ssize_t>(kTextBytes));
  char got[kTextBytes + 1] = {};
  PROBE_EXPECT(read_form(ends.server, got, kTextBytes) == static_cast<ssize_t>(kTextBytes));
  PROBE_EXPECT(strcmp(got, kText) == 0);
  if (strcmp(argv[1], "stdio") != 0 && strcmp(argv[2], "stdio") != 0) PROBE_EXPECT(errno == 4242);
  PROBE_EXPECT(shutdown(ends.client, SHUT_WR) == 0);
  PROBE_EXPECT(read_form(ends.server, got, kTextBytes) == 0);
  return 0;
}

// --- What is not plain reading -------------------------------------------------------------------

int peek(int, char**) {
  const Ends ends = connect_ends(AF_INET);
  char got[8];
  PROBE_EXPECT(send(ends.client, "abcdef", 6, 0) == 6);
  PROBE_EXPECT(recv(ends.server, got, 6, MSG_PEEK | MSG_WAITALL) == 6);
  PROBE_EXPECT(recv(ends.server, got, 2, 0) == 2);
  PROBE_EXPECT(recv(ends.server, got, 8, 0) == 4);
  return 0;
}

int would_block(int, char**) {
  const Ends ends = connect_ends(AF_INET);
  char got[8];
  PROBE_EXPECT(recv(ends.server, got, 8, MSG_DONTWAIT) == -1 && errno == EAGAIN);
  PROBE_EXPECT(fcntl(ends.server, F_SETFL, O_NONBLOCK) == 0);
  PROBE_EXPECT(read(ends.server, got, 7) == -1 && errno == EAGAIN);
  return 0;
}

int interrupted(int, char**) {
  const Ends ends = connect_ends(AF_INET);
  struct sigaction action {};
  action.sa_handler = [](int) {};
  sigaction(SIGALRM, &action, nullptr);
  const itimerval once{{0, 0}, {0, 10000}};
  setitimer(ITIMER_REAL, &once, nullptr);
  char got[8];
  PROBE_EXPECT(read(ends.server, got, 8) == -1 && errno == EINTR);
  return 0;
}

int reset(int, char**) {
  const Ends ends = connect_ends(AF_INET);
  const linger hard{1, 0};
  PROBE_EXPECT(setsockopt(ends.client, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)) == 0);
  close(ends.client);
  char got[8];
  PROBE_EXPECT(read(ends.server, got, 8) == -1 && errno == ECONNRESET);
  PROBE_EXPECT(send(ends.server, "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE);
  return 0;
}

// The service closes what it never read.
int unread(int, char**) {
  const Ends ends = connect_ends(AF_INET);
  PROBE_EXPECT(send(ends.client, "0123456789", 10, 0) == 10);
  char got[4];
  PROBE_EXPECT(recv(ends.server, got, 4, MSG_WAITALL) == 4);
  pollfd ready{ends.server, POLLIN, 0};
  PROBE_EXPECT(poll(&ready, 1, -1) == 1);
  PROBE_EXPECT(close(ends.server) == 0);
  return 0;
}

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * 2654435761u) >> 13);
  return bytes;
}

struct Consumer {
  int fd;
  std::string got;
};

void* consume(void* argument) {
  auto& consumer = *static_cast<Consumer*>(argument);
  std::vector<char> buffer(100000);
  for (;;) {
    const ssize_t count = read(consumer.fd, buffer.data(), buffer.size());
    if (count <= 0) return nullptr;
    consumer.got.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

// A payload larger than many segments, blocking or not, arrives and is recorded whole.
int large(int argc, char** argv) {
  PROBE_EXPECT(argc == 2);
  const Ends ends = connect_ends(AF_INET);
  const std::string bytes = pattern(std::strtoul(argv[0], nullptr, 10));
  const bool blocking = strcmp(argv[1], "blocking") == 0;
  if (!blocking) fcntl(ends.client, F_SETFL, O_NONBLOCK);
  Consumer consumer{ends.server, {}};
  pthread_t thread;
  pthread_create(&thread, nullptr, consume, &consumer);
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t count = write(ends.client, bytes.data() + sent, bytes.size() - sent);
    if (count > 0) {
      PROBE_EXPECT(!blocking || count == static_cast<ssize_t>(bytes.size()));
      sent += static_cast<std::size_t>(count);
      continue;
    }
    PROBE_EXPECT(!blocking && errno == EAGAIN);
    pollfd ready{ends.client, POLLOUT, 0};
    poll(&ready, 1, -1);
  }
  shutdown(ends.client, SHUT_WR);
  pthread_join(thread, nullptr);
  PROBE_EXPECT(consumer.got == bytes);
  return 0;
}

int send_file(int argc, char** argv) {
  PROBE_EXPECT(argc == 1);
  const Ends ends = connect_ends(AF_INET);
  const int file = open(argv[0], O_RDONLY);
  PROBE_EXPECT(file >= 0);
  PROBE_EXPECT(send(ends.client, "HEAD", 4, 0) == 4);
  off_t offset = 3;
  PROBE_EXPECT(sendfile(ends.client, file, &offset, 5) == 5 && offset == 8);
  PROBE_EXPECT(sendfile64(ends.client, file, nullptr, 1 << 20) > 0);
  return 0;
}

// From here on the kernel says nothing of files to whoever asks by this number, as the agent does;
// the C library has another one.
void refuse_fstat() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fstat, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{sizeof program / sizeof *program, program};
  PROBE_EXPECT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  PROBE_EXPECT(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
}

void send_some(const Ends& ends, int file) {
  off_t offset = 0;
  PROBE_EXPECT(sendfile(ends.client, file, &offset, 5) == 5);
}

// send_unasked FILE looks|does_not: many times, as a look is good for a moment only.
int send_unasked(int argc, char** argv) {
  PROBE_EXPECT(argc == 2);
  const bool looks = strcmp(argv[1], "looks") == 0;
  const Ends ends = connect_ends(AF_INET);
  const int file = open(argv[0], O_RDONLY);
  refuse_fstat();
  for (int i = 0; i < 1000; ++i) {
    struct stat status {};
    if (looks) PROBE_EXPECT(fstat(file, &status) == 0 && status.st_size == 16);
    send_some(ends, file);
  }
  return 0;
}

// send_another LOOKED_AT SENT: both by the same number.
int send_another(int argc, char** argv) {
  PROBE_EXPECT(argc == 2);
  const Ends ends = connect_ends(AF_INET);
  for (int i = 0; i < 100; ++i) {
    const int looked = open(argv[0], O_RDONLY);
    struct stat status {};
    PROBE_EXPECT(fstat(looked, &status) == 0);
    close(looked);
    const int sent = open(argv[1], O_RDONLY);
    PROBE_EXPECT(sent == looked);
    send_some(ends, sent);
    close(sent);
  }
  return 0;
}

int splice_out(int, char**) {
  const Ends ends = connect_ends(AF_INET);
  int ends_of_pipe[2];
  PROBE_EXPECT(pipe(ends_of_pipe) == 0);
  PROBE_EXPECT(write(ends_of_pipe[1], "pipe", 4) == 4);
  PROBE_EXPECT(splice(ends_of_pipe[0], nullptr, ends.client, nullptr, 4, 0) == 4);
  PROBE_EXPECT(send(ends.client, "after", 5, 0) == 5);
  return 0;
}

// What the kernel answers with EFAULT must not kill the service.
int bad_pointer(int, char**) {
  const Ends ends = connect_ends(AF_INET);
  PROBE_EXPECT(send(ends.client, reinterpret_cast<void*>(8), 100, 0) == -1 && errno == EFAULT);
  auto* page = static_cast<char*>(
      mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  PROBE_EXPECT(mprotect(page + 4096, 4096, PROT_NONE) == 0);
  for (const std::size_t size : {20, 100, 3000}) {
    const ssize_t sent = send(ends.client, page + 4096 - size / 2, size, 0);
    PROBE_EXPECT(sent == -1 ? errno == EFAULT : static_cast<std::size_t>(sent) <= size / 2);
  }
  return 0;
}

// Both ends in one process, from socketpair.
int pair(int, char**) {
  int ends[2];
  PROBE_EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  PROBE_EXPECT(write(ends[0], "ping", 4) == 4);
  char got[4];
  PROBE_EXPECT(read(ends[1], got, 4) == 4);
  return 0;
}

constexpr ProbeCase kCases[] = {
    {"forms", forms},
    {"peek", peek},
    {"would_block", would_block},
    {"interrupted", interrupted},
    {"reset", reset},
    {"unread", unread},
    {"large", large},
    {"send_file", send_file},
    {"send_unasked", send_unasked},
    {"send_another", send_another},
    {"splice_out", splice_out},
    {"bad_pointer", bad_pointer},
    {"pair", pair},
};

}  // namespace

int main(int argc, char** argv) { return reprise::agent::testing::run_probe(kCases, argc, argv); }
