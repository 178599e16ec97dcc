// usage: sandboxed_service PORT allow|errno|kill|strict
//
// An HTTP server of one thread that serves one client after the other, and forbids itself whatever
// it does not need for that: with an error, by death, or (`strict`, from the first request on,
// whose client is its last) by the kernel's oldest sandbox. `allow` forbids nothing. Answers with
// so many bytes as the target says.
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/programs/services/listener.h"

namespace {

char page[1 << 20];

void install(std::uint32_t otherwise) {
  constexpr std::uint32_t kAllowed[] = {SYS_read, SYS_write, SYS_close, SYS_accept, SYS_exit_group};
  sock_filter program[32];
  unsigned short count = 0;
  const auto add = [&](sock_filter step) { program[count++] = step; };
  add(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)));
  add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0));
  add(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
  add(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  for (const std::uint32_t number : kAllowed) {
    add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
    add(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  }
  add(BPF_STMT(BPF_RET | BPF_K, otherwise));
  const sock_fprog filter{count, program};
  require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "prctl");
  require(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0, "seccomp");
}

bool send_all(int client, const char* bytes, std::size_t length) {
  while (length > 0) {
    const ssize_t sent = write(client, bytes, length);
    if (sent <= 0) return false;
    bytes += sent;
    length -= static_cast<std::size_t>(sent);
  }
  return true;
}

void serve(int client, bool strictly) {
  char request[1024];
  for (ssize_t got; (got = read(client, request, sizeof request - 1)) > 0;) {
    if (strictly) require(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0, "prctl");
    strictly = false;
    request[got] = '\0';
    const char* digits = std::strpbrk(request, "0123456789");
    const std::size_t length = digits == nullptr ? 0 : std::strtoul(digits, nullptr, 10);
    char head[128];
    const int head_length =
        std::snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", length);
    if (!send_all(client, head, static_cast<std::size_t>(head_length)) ||
        !send_all(client, page, length)) {
      break;
    }
  }
}

}  // namespace

int main(int, char** words) {
  std::memset(page, 'x', sizeof page);
  const int listener = listen_on(std::atoi(words[1]));
  require(write(STDOUT_FILENO, "ready\n", 6) == 6, "write");
  const bool strictly = std::strcmp(words[2], "strict") == 0;
  if (std::strcmp(words[2], "errno") == 0) install(SECCOMP_RET_ERRNO | EPERM);
  if (std::strcmp(words[2], "kill") == 0) install(SECCOMP_RET_KILL_PROCESS);
  while (true) {
    const int client = accept(listener, nullptr, nullptr);
    serve(client, strictly);
    if (strictly) syscall(SYS_exit, 0);
    close(client);
  }
}
