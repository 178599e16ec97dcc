// Sessions. A server with one worker, which forks another one whenever somebody waits and all of
// them are busy. A worker serves one connection at a time, with one request.
//
// The bug: the state of the generator of tokens is inherited by every worker. What the first one
// draws first, the second one draws first, too.

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <random>
#include <string>

#include "examples/http/client.h"
#include "tests/zoo/http_text.h"
#include "tests/zoo/listener.h"

namespace {

std::mt19937 random_tokens{std::random_device()()};

zoo::Response Begin(const zoo::Request& request, const std::string& users) {
  char token[16];
  std::snprintf(token, sizeof token, "%08lx", random_tokens());
  http::Client fetcher;
  const auto user = fetcher.Get(users + "/users/" + request.body);
  if (!user || user->status != 200) return {.status = 403, .body = "{}"};
  return {.status = 201, .body = R"({"token":")" + std::string(token) + "\"}"};
}

// `busy` is told when the worker has something to do, and when it has not.
[[noreturn]] void Work(pid_t master, int listener, int busy, const std::string& users) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != master) _exit(0);  // it was over before that was asked for
  while (true) {
    const int connection = accept(listener, nullptr, nullptr);
    if (connection < 0) continue;
    std::string buffer;
    zoo::Response response{.status = 400};
    if (write(busy, "+", 1) != 1) _exit(1);
    if (const auto request = zoo::ReadRequest(connection, buffer)) {
      response = Begin(*request, users);
    }
    if (write(busy, "-", 1) != 1) _exit(1);
    zoo::SendAll(connection, zoo::ToText(response));
    close(connection);
  }
}

void Fork(int listener, int busy, const std::string& users) {
  const pid_t master = getpid();
  if (fork() == 0) Work(master, listener, busy, users);
#ifdef FIXED
  // Far from whatever the worker will draw.
  random_tokens.discard(1'000'000);
#endif
}

}  // namespace

int main(int, char** argv) {
  const std::string users = argv[1];
  const int listener = zoo::Listen();
  int ends[2];
  if (pipe(ends) != 0) return 1;
  int workers = 0;
  int working = 0;
  while (true) {
    if (workers == 0) {
      Fork(listener, ends[1], users);
      ++workers;
    }
    pollfd watched[] = {{.fd = ends[0], .events = POLLIN, .revents = 0},
                        {.fd = listener, .events = POLLIN, .revents = 0}};
    if (poll(watched, working == workers ? 2 : 1, -1) < 0) continue;
    if (watched[0].revents != 0) {
      char change = 0;
      if (read(ends[0], &change, 1) != 1) return 1;
      working += change == '+' ? 1 : -1;
    } else if (watched[1].revents != 0) {
      Fork(listener, ends[1], users);
      ++workers;
    }
  }
}
