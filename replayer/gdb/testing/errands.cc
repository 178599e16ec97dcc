// A service to look at in a debugger: runs an errand for each request.
//
//   errands PORT UPSTREAM_PORT [WORKERS]
//
//   GET /…       200 with how many requests were served before
//   GET /ask     asks the upstream for one line and waits at most 300 ms for it; 200 with the line,
//   504
//                when it was late
//   GET /crash   reads through a null pointer
//
// A thread beside it counts hundredths of a second. With WORKERS, that many children serve. Ends
// with code 0 on SIGTERM.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

std::atomic<int> served = 0;
std::atomic<int> hundredths = 0;

// For a debugger to set: keeps whoever serves a request busy.
volatile bool spinning = false;

// For a debugger to call.
void StartOver() { served = 0; }

// For a debugger to stop in.
void Tick() { ++hundredths; }

namespace {

using std::chrono::steady_clock;
constexpr std::chrono::milliseconds kPatience{300};

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

bool AnswerComes(int upstream) {
  pollfd polled{upstream, POLLIN, 0};
  return poll(&polled, 1, static_cast<int>(kPatience.count())) == 1;
}

// "" when the answer is late.
std::string AskUpstream(int port) {
  const steady_clock::time_point begin = steady_clock::now();
  const sockaddr_in address = Loopback(port);
  const int upstream = socket(AF_INET, SOCK_STREAM, 0);
  std::string line;
  if (connect(upstream, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      send(upstream, "time?\n", 6, MSG_NOSIGNAL) == 6) {
    char buffer[64];
    const ssize_t length = AnswerComes(upstream) ? recv(upstream, buffer, sizeof buffer, 0) : 0;
    if (length > 0) line.assign(buffer, static_cast<std::size_t>(length));
  }
  close(upstream);
  return steady_clock::now() - begin > kPatience ? "" : line;
}

std::string Answer(const std::string& target, int upstream) {
  std::string status = "200 OK";
  std::string body = std::to_string(served++);
  if (target == "/crash") body = *static_cast<volatile char*>(nullptr);
  if (target == "/ask") {
    body = AskUpstream(upstream);
    if (body.empty()) status = "504 Gateway Timeout";
  }
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

std::string ReadRequest(int connection) {
  std::string request;
  char buffer[1024];
  while (request.find("\r\n\r\n") == std::string::npos) {
    const ssize_t length = recv(connection, buffer, sizeof buffer, 0);
    if (length <= 0) return "";
    request.append(buffer, static_cast<std::size_t>(length));
  }
  return request;
}

void Serve(int connection, int upstream) {
  for (std::string request; !(request = ReadRequest(connection)).empty();) {
    while (spinning) {
    }
    const std::size_t begin = request.find(' ') + 1;
    const std::string answer =
        Answer(request.substr(begin, request.find(' ', begin) - begin), upstream);
    if (send(connection, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) break;
  }
  close(connection);
}

[[noreturn]] void ServeAll(int listener, int upstream) {
  std::thread([] {
    for (;;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      Tick();
    }
  }).detach();
  for (;;) {
    const int connection = accept(listener, nullptr, nullptr);
    if (connection >= 0) Serve(connection, upstream);
  }
}

std::vector<pid_t> children;

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = Loopback(std::atoi(argv[1]));
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return 1;
  const int upstream = std::atoi(argv[2]);
  const int workers = argc > 3 ? std::atoi(argv[3]) : 0;
  // Who comes while the children are being made waits until all are there.
  sigset_t end;
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  sigprocmask(SIG_BLOCK, &end, nullptr);
  signal(SIGTERM, [](int) { _exit(0); });
  if (listen(listener, 16) != 0) return 1;
  for (int i = 0; i < workers; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      sigprocmask(SIG_UNBLOCK, &end, nullptr);
      ServeAll(listener, upstream);
    }
    children.push_back(child);
  }
  if (workers > 0) {
    signal(SIGTERM, [](int) {
      for (const pid_t child : children) kill(child, SIGTERM);
    });
  }
  sigprocmask(SIG_UNBLOCK, &end, nullptr);
  if (workers == 0) ServeAll(listener, upstream);
  while (wait(nullptr) > 0) {
  }
  return 0;
}
