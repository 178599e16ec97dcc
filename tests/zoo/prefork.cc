#include "tests/zoo/prefork.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/zoo/listener.h"

namespace zoo {
namespace {

[[noreturn]] void Work(pid_t master, int listener, const std::function<void(int)>& serve) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != master) _exit(0);  // it was over before that was asked for
  while (true) {
    const int connection = accept(listener, nullptr, nullptr);
    if (connection >= 0) serve(connection);
  }
}

}  // namespace

void ServePreforked(int workers, const std::function<void(int)>& serve) {
  const int listener = Listen();
  const pid_t master = getpid();
  for (int worker = 0; worker < workers; ++worker) {
    if (fork() == 0) Work(master, listener, serve);
  }
  while (true) pause();
}

}  // namespace zoo
