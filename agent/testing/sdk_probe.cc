// What a program tells the agent by its C entry points.
#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>

#include "agent/abi/sdk.h"
#include "agent/testing/probe.h"

namespace {

using namespace reprise::agent::testing;

void call(const char* name, const std::string& arguments, const std::string& result) {
  reprise_answer answer{};
  errno = 4242;
  PROBE_EXPECT(reprise_call_begin(name, arguments.data(), arguments.size(), &answer) ==
               REPRISE_PERFORM);
  PROBE_EXPECT(errno == 4242);
  reprise_call_end(0, result.data(), result.size());
  PROBE_EXPECT(errno == 4242);
}

int calls(int, char**) {
  call("store get", "key", "value");
  call("store.put", std::string(200'000, 'x'), "");
  std::thread([] { call("other", "", ""); }).join();
  return 0;
}

// What is done inside a call, in which another one may be.
int muted(int, char**) {
  int ends[2];
  PROBE_EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  reprise_answer answer{};
  PROBE_EXPECT(reprise_call_begin("outer", "", 0, &answer) == REPRISE_PERFORM);
  PROBE_EXPECT(reprise_call_begin("inner", "", 0, &answer) == REPRISE_ASIDE);
  PROBE_EXPECT(write(ends[0], "inside", 6) == 6);
  reprise_call_end(1, "", 0);
  PROBE_EXPECT(write(ends[0], "outside", 7) == 7);
  return 0;
}

int inputs(int, char**) {
  const uint64_t source = reprise_source_open("orders");
  PROBE_EXPECT(source != 0);
  reprise_answer answer{};
  uint64_t entry = 0;
  PROBE_EXPECT(reprise_entry_next(source, &entry, &answer) == REPRISE_PERFORM);
  entry = reprise_entry_open(source, "orders", "tea", 3);
  PROBE_EXPECT(entry != 0);
  reprise_entry_close(entry, 0, "sent", 4);
  PROBE_EXPECT(reprise_entry_next(source, &entry, &answer) == REPRISE_PERFORM);
  reprise_entry_none(source, "orders", 1);
  PROBE_EXPECT(reprise_entry_next(source, &entry, &answer) == REPRISE_PERFORM);
  reprise_entry_none(source, "orders", 0);
  return 0;
}

int forked(int, char**) {
  call("parent", "", "");
  const pid_t child = fork();
  if (child == 0) {
    call("child", "", "");
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

// A worker that is signalled twice, and once waits in vain.
int woken(int, char**) {
  std::mutex mutex;
  std::condition_variable changed;
  int step = 0;
  std::thread worker([&] {
    std::unique_lock lock(mutex);
    for (int wanted : {1, 2}) {
      changed.wait(lock, [&] { return step >= wanted; });
      step += 10 * wanted;
      changed.notify_all();
    }
    std::mutex other_mutex;
    std::condition_variable nobody;
    std::unique_lock other(other_mutex);
    PROBE_EXPECT(nobody.wait_for(other, std::chrono::milliseconds(1)) == std::cv_status::timeout);
  });
  {
    std::unique_lock lock(mutex);
    step = 1;
    changed.notify_all();
    changed.wait(lock, [&] { return step >= 11; });
    changed.notify_all();
  }
  worker.join();
  return 0;
}

int turns(int, char**) {
  const uint64_t token = reprise_context_give();
  PROBE_EXPECT(token != 0);
  std::thread([token] {
    reprise_context_take(token);
    reprise_context_leave(token);
  }).join();
  return 0;
}

constexpr ProbeCase kCases[] = {
    {"calls", calls},   {"muted", muted}, {"inputs", inputs},
    {"forked", forked}, {"woken", woken}, {"turns", turns},
};

}  // namespace

int main(int argc, char** argv) { return run_probe(kCases, argc, argv); }
