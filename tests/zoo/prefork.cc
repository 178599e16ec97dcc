#include "tests/zoo/prefork.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/zoo/listener.h"
#include "tests/zoo/thread_server.h"

namespace zoo {
namespace {

[[noreturn]] void Work(int listener, const Handler& handler) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  while (true) {
    const int connection = accept(listener, nullptr, nullptr);
    if (connection >= 0) ServeConnection(connection, handler);
  }
}

}  // namespace

void ServePreforked(int workers, const Handler& handler) {
  const int listener = Listen();
  for (int worker = 0; worker < workers; ++worker) {
    if (fork() == 0) Work(listener, handler);
  }
  while (true) pause();
}

}  // namespace zoo
