// Draws from clocks, random sources and name servers; prints what it was given.
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <random>
#include <string_view>

#include "agent/testing/loopback.h"

namespace {

using namespace reprise::agent::testing;

std::int64_t nanoseconds(const timespec& value) {
  return std::int64_t{value.tv_sec} * 1'000'000'000 + value.tv_nsec;
}

// Every clock, in the order of the names that the test expects; prints the values in nanoseconds.
int clocks(int, char**) {
  errno = 4242;
  for (const clockid_t clock :
       {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID,
        CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME}) {
    timespec value{};
    PROBE_EXPECT(clock_gettime(clock, &value) == 0);
    printf("%ld\n", nanoseconds(value));
  }
  timeval day{};
  PROBE_EXPECT(gettimeofday(&day, nullptr) == 0);
  printf("%ld\n", std::int64_t{day.tv_sec} * 1'000'000'000 + day.tv_usec * 1000);
  time_t seconds = 0;
  PROBE_EXPECT(time(&seconds) == seconds);
  printf("%ld\n", std::int64_t{seconds} * 1'000'000'000);
  timespec got{};
  PROBE_EXPECT(timespec_get(&got, TIME_UTC) == TIME_UTC);
  printf("%ld\n", nanoseconds(got));
  printf("%ld\n", std::chrono::system_clock::now().time_since_epoch().count());
  printf("%ld\n", std::chrono::steady_clock::now().time_since_epoch().count());
  PROBE_EXPECT(syscall(SYS_clock_gettime, CLOCK_REALTIME, &got) == 0);
  printf("%ld\n", nanoseconds(got));
  PROBE_EXPECT(errno == 4242);
  PROBE_EXPECT(clock_gettime(9999, &got) == -1 && errno == EINVAL);
  PROBE_EXPECT(clock_gettime(CLOCK_TAI, &got) == 0);
  return 0;
}

void print_bytes(const void* bytes, std::size_t length) {
  for (std::size_t i = 0; i < length; ++i) {
    printf("%02x", static_cast<const unsigned char*>(bytes)[i]);
  }
  printf("\n");
}

// Draws of a size that a segment is no multiple of, more than fit into one.
int long_draws(int, char**) {
  unsigned char bytes[2496];
  for (int i = 0; i < 100; ++i) {
    PROBE_EXPECT(getrandom(bytes, sizeof bytes, 0) == sizeof bytes);
    print_bytes(bytes, sizeof bytes);
  }
  return 0;
}

// Every random source.
int randomness(int, char**) {
  unsigned char bytes[24];
  errno = 4242;
  PROBE_EXPECT(getrandom(bytes, 24, 0) == 24);
  print_bytes(bytes, 24);
  PROBE_EXPECT(getentropy(bytes, 16) == 0);
  print_bytes(bytes, 16);
  std::uint32_t word = arc4random();
  print_bytes(&word, 4);
  arc4random_buf(bytes, 10);
  print_bytes(bytes, 10);
  word = arc4random_uniform(1000);
  PROBE_EXPECT(word < 1000);
  print_bytes(&word, 4);
  const int device = open("/dev/urandom", O_RDONLY);
  PROBE_EXPECT(read(device, bytes, 8) == 8);
  print_bytes(bytes, 8);
  const int copy = dup(device);
  PROBE_EXPECT(read(copy, bytes, 5) == 5);
  print_bytes(bytes, 5);
  const int other = openat(AT_FDCWD, "/dev/random", O_RDONLY);
  PROBE_EXPECT(read(other, bytes, 4) == 4);
  print_bytes(bytes, 4);
  std::random_device generator;
  const unsigned drawn = generator();
  print_bytes(&drawn, sizeof(drawn));
  PROBE_EXPECT(syscall(SYS_getrandom, bytes, 3, 0) == 3);
  print_bytes(bytes, 3);
  PROBE_EXPECT(errno == 4242);
  return 0;
}

// Temporary files and a directory; prints what was chosen of each name.
int temporary_names(int, char**) {
  errno = 4242;
  char one[] = "/tmp/one-XXXXXX", two[] = "/tmp/two-XXXXXX.txt", three[] = "/tmp/three-XXXXXX";
  const int first = mkstemp(one);
  const int second = mkostemps(two, 4, O_APPEND | O_CLOEXEC);
  PROBE_EXPECT(first > 2 && second > 2 && mkdtemp(three) == three);
  PROBE_EXPECT((fcntl(second, F_GETFL) & O_APPEND) != 0 && fcntl(second, F_GETFD) == FD_CLOEXEC);
  PROBE_EXPECT(errno == 4242);
  PROBE_EXPECT(unlink(one) == 0 && unlink(two) == 0 && rmdir(three) == 0);
  print_bytes(one + 9, 6);
  print_bytes(two + 9, 6);
  print_bytes(three + 11, 6);
  char none[] = "no-such-directory/XXXXXX", wrong[] = "XXXXX";
  PROBE_EXPECT(mkstemp(none) == -1 && errno == ENOENT);
  PROBE_EXPECT(mkstemp(wrong) == -1 && errno == EINVAL);
  return 0;
}

// A random device as a FILE and as a C++ stream.
int random_files(int, char**) {
  unsigned char bytes[16];
  FILE* file = fopen("/dev/urandom", "rb");
  setvbuf(file, nullptr, _IONBF, 0);
  PROBE_EXPECT(fileno(file) > 2);
  PROBE_EXPECT(fread(bytes, 1, 16, file) == 16);
  print_bytes(bytes, 16);
  PROBE_EXPECT(fclose(file) == 0);
  std::ifstream stream;
  stream.rdbuf()->pubsetbuf(nullptr, 0);
  stream.open("/dev/urandom", std::ios::binary);
  stream.read(reinterpret_cast<char*>(bytes), 7);
  PROBE_EXPECT(stream.gcount() == 7);
  print_bytes(bytes, 7);
  return 0;
}

using RandBytes = int (*)(unsigned char*, int);

// OpenSSL, opened so that no other object sees its symbols.
int open_ssl(int, char**) {
  void* library = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
  PROBE_EXPECT(library != nullptr);
  auto* const hooked = reinterpret_cast<RandBytes>(dlsym(RTLD_DEFAULT, "RAND_bytes"));
  PROBE_EXPECT(hooked != nullptr);
  unsigned char bytes[12];
  PROBE_EXPECT(hooked(bytes, 12) == 1);
  print_bytes(bytes, 12);
  PROBE_EXPECT(hooked(bytes, 0) == 1);
  return 0;
}

// A caller that is a library, loaded at start or late.
int from_library(int argc, char** argv) {
  PROBE_EXPECT(argc == 1);
  void* library = dlopen(argv[0], RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
  PROBE_EXPECT(library != nullptr);
  auto* const read_clock = reinterpret_cast<long (*)()>(dlsym(library, "read_clock_here"));
  PROBE_EXPECT(read_clock != nullptr);
  printf("%ld\n", read_clock());
  return 0;
}

int lookups(int, char**) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_CANONNAME;
  addrinfo* found = nullptr;
  PROBE_EXPECT(getaddrinfo("127.0.0.1", "8080", &hints, &found) == 0);
  freeaddrinfo(found);
  PROBE_EXPECT(getaddrinfo("no.such.name.invalid", nullptr, nullptr, &found) != 0);
  const sockaddr_in address = loopback(80);
  char host[64];
  char service[16];
  PROBE_EXPECT(getnameinfo(reinterpret_cast<const sockaddr*>(&address), sizeof(address), host,
                           sizeof(host), service, sizeof(service),
                           NI_NUMERICHOST | NI_NUMERICSERV) == 0);
  PROBE_EXPECT(gethostbyname("127.0.0.2") != nullptr);
  hostent entry{};
  hostent* result = nullptr;
  char buffer[1024];
  int error = 0;
  PROBE_EXPECT(gethostbyname_r("127.0.0.3", &entry, buffer, 1, &result, &error) == ERANGE);
  PROBE_EXPECT(gethostbyname_r("127.0.0.3", &entry, buffer, sizeof(buffer), &result, &error) == 0);
  return 0;
}

constexpr ProbeCase kCases[] = {
    {"clocks", clocks},
    {"long_draws", long_draws},
    {"randomness", randomness},
    {"random_files", random_files},
    {"temporary_names", temporary_names},
    {"open_ssl", open_ssl},
    {"from_library", from_library},
    {"lookups", lookups},
};

}  // namespace

int main(int argc, char** argv) { return run_probe(kCases, argc, argv); }
