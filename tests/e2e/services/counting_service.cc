// usage: counting_service PORT FILE [SECONDS]
//
// Answers HTTP requests, a connection each. FILE holds how often the service was started; no
// recording knows of it. What a request asks for decides what the count does to its answer:
//
//   /count   stands in it
//   /log     stands in a line on standard output
//   /draw    is how many random values are drawn for it
//   others   nothing
//
// /addresses is answered with where a local variable, an allocated block and a function are, /where
// with the working directory. SECONDS is how long the service sleeps before each answer.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

namespace {

int count_this_start(const char* file) {
  int starts = 0;
  std::ifstream(file) >> starts;
  std::ofstream(file) << ++starts << "\n";
  return starts;
}

int listen_on(std::uint16_t port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* any = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(listener, any, sizeof address) != 0 || ::listen(listener, 8) != 0) {
    std::perror("counting_service");
    std::exit(1);
  }
  return listener;
}

[[gnu::noinline]] void draw_token() {
  std::uint64_t token = 0;
  if (::getrandom(&token, sizeof token, 0) != sizeof token) std::abort();
}

std::string addresses() {
  const int local = 0;
  const auto block = std::make_unique<int>();
  std::ostringstream text;
  text << &local << " " << block.get() << " " << reinterpret_cast<const void*>(&draw_token);
  return text.str();
}

std::string body_for(const std::string& target, int starts) {
  if (target == "/count") return "started " + std::to_string(starts) + " times";
  if (target == "/addresses") return addresses();
  if (target == "/where") return std::filesystem::current_path().string();
  if (target == "/log") {
    std::printf("started %d times\n", starts);
    std::fflush(stdout);
  }
  for (int i = 0; target == "/draw" && i < starts; ++i) draw_token();
  return "served";
}

void serve(int client, int starts, unsigned seconds) {
  char request[4096];
  const ssize_t length = ::read(client, request, sizeof request);
  if (length <= 0) return;
  const std::string head(request, static_cast<std::size_t>(length));
  if (seconds > 0) ::sleep(seconds);
  const std::size_t begin = head.find(' ') + 1;
  const std::string body = body_for(head.substr(begin, head.find(' ', begin) - begin), starts);
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                             "\r\nConnection: close\r\n\r\n" + body;
  if (::write(client, answer.data(), answer.size()) < 0) std::perror("counting_service");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const int starts = count_this_start(argv[2]);
  const int listener = listen_on(static_cast<std::uint16_t>(std::atoi(argv[1])));
  for (;;) {
    const int client = ::accept(listener, nullptr, nullptr);
    if (client < 0) continue;
    serve(client, starts, argc > 3 ? static_cast<unsigned>(std::atoi(argv[3])) : 0);
    ::close(client);
  }
}
