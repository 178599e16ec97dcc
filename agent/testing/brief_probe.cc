// Says the same again, and reads a clock again and again.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <string>

#include "agent/testing/loopback.h"

namespace {

using namespace reprise::agent::testing;

// Sends and receives it whole, and prints it.
void pass(const Ends& ends, const std::string& bytes) {
  std::string got(bytes.size(), '\0');
  PROBE_EXPECT(send(ends.client, bytes.data(), bytes.size(), 0) ==
               static_cast<ssize_t>(bytes.size()));
  PROBE_EXPECT(recv(ends.server, got.data(), got.size(), MSG_WAITALL) ==
               static_cast<ssize_t>(got.size()));
  printf("%s\n", bytes.c_str());
}

// A payload three times, one of that length that ends otherwise, and the first again.
int again(int, char**) {
  const Ends ends = connected_ends(listen_on_loopback());
  const std::string first(200, 'a');
  const std::string other = std::string(199, 'a') + "b";
  for (const std::string& bytes : {first, first, first, other, first}) pass(ends, bytes);
  return 0;
}

// Two in turn, of lengths that are looked for at the same place.
int in_turn(int, char**) {
  const Ends ends = connected_ends(listen_on_loopback());
  for (int i = 0; i < 3; ++i) {
    pass(ends, std::string(41, 'q'));
    pass(ends, std::string(240, 'a'));
  }
  return 0;
}

int short_again(int, char**) {
  const Ends ends = connected_ends(listen_on_loopback());
  for (int i = 0; i < 3; ++i) pass(ends, "PING");
  return 0;
}

// The same whichever way its parts lie in memory.
int scattered(int, char**) {
  const Ends ends = connected_ends(listen_on_loopback());
  std::string text(100, 'x');
  text += "the end";
  pass(ends, text);
  std::string got(text.size(), '\0');
  iovec parts[] = {{text.data(), 3}, {text.data() + 3, 98}, {text.data() + 101, 6}};
  PROBE_EXPECT(writev(ends.client, parts, 3) == static_cast<ssize_t>(text.size()));
  PROBE_EXPECT(recv(ends.server, got.data(), got.size(), MSG_WAITALL) ==
               static_cast<ssize_t>(got.size()));
  printf("%s\n", text.c_str());
  return 0;
}

// So much between that the segment of the first is full.
int far_apart(int, char**) {
  const Ends ends = connected_ends(listen_on_loopback());
  const std::string first(300, 'f');
  pass(ends, first);
  for (int i = 0; i < 100; ++i) pass(ends, std::string(1000 + i, 'm'));
  pass(ends, first);
  return 0;
}

int unreadable(int, char**) {
  const Ends ends = connected_ends(listen_on_loopback());
  pass(ends, std::string(4096, 'u'));
  void* nothing = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  PROBE_EXPECT(send(ends.client, nothing, 4096, 0) == -1 && errno == EFAULT);
  return 0;
}

int clock_loop(int, char**) {
  for (const clockid_t clock : {CLOCK_MONOTONIC, CLOCK_REALTIME_COARSE}) {
    timespec values[20];
    for (timespec& value : values) PROBE_EXPECT(clock_gettime(clock, &value) == 0);
    for (const timespec& value : values) {
      printf("%ld\n", std::int64_t{value.tv_sec} * 1'000'000'000 + value.tv_nsec);
    }
  }
  return 0;
}

constexpr ProbeCase kCases[] = {
    {"again", again},           {"in_turn", in_turn},     {"short_again", short_again},
    {"scattered", scattered},   {"far_apart", far_apart}, {"unreadable", unreadable},
    {"clock_loop", clock_loop},
};

}  // namespace

int main(int argc, char** argv) { return reprise::agent::testing::run_probe(kCases, argc, argv); }
