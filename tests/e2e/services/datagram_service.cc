// An HTTP service that asks by datagrams.
//
//   datagram_service PORT PEER_PORT [renamed]
//
// GET /WHAT/TEXT sends TEXT to 127.0.0.1:PEER_PORT and answers with what came back, each datagram
// on a line, with its source:
//   told         one datagram; nothing is waited for
//   connected    one, through a socket that is connected to the peer
//   unconnected  one, through a socket that is not
//   several      two at once (sendmmsg), and two back (recvmmsg)
//   resolved     a question for the address of TEXT, by c-ares
// "renamed" is a changed build: what it tells is called otherwise.
#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

std::string Text(const sockaddr_in& address) {
  return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

class Asker {
 public:
  Asker(int peer, bool renamed) : peer_(Loopback(peer)), port_(peer), renamed_(renamed) {
    // One for all metrics, as their libraries have it.
    metrics_ = socket(AF_INET, SOCK_DGRAM, 0);
  }

  std::string Answer(const std::string& what, const std::string& text) {
    if (what == "told") return Tell(text);
    if (what == "resolved") return Resolve(text);
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    const timeval patience = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    const std::string answer = what == "connected"     ? AskConnected(fd, text)
                               : what == "unconnected" ? AskUnconnected(fd, text)
                               : what == "several"     ? AskSeveral(fd, text)
                                                       : "?";
    close(fd);
    return answer;
  }

 private:
  std::string Tell(const std::string& text) {
    const std::string metric = (renamed_ ? "store." : "shop.") + text + ":1|c";
    const auto* to = reinterpret_cast<const sockaddr*>(&peer_);
    sendto(metrics_, metric.data(), metric.size(), 0, to, sizeof(peer_));
    return "told\n";
  }

  std::string AskConnected(int fd, const std::string& text) {
    connect(fd, reinterpret_cast<const sockaddr*>(&peer_), sizeof(peer_));
    char buffer[2048];
    if (send(fd, text.data(), text.size(), 0) < 0) return std::string(strerror(errno)) + "\n";
    const ssize_t got = recv(fd, buffer, sizeof(buffer), 0);
    if (got < 0) return std::string(strerror(errno)) + "\n";
    sockaddr_in other = {};
    socklen_t length = sizeof(other);
    getpeername(fd, reinterpret_cast<sockaddr*>(&other), &length);
    return std::string(buffer, static_cast<std::size_t>(got)) + " from " + Text(other) + "\n";
  }

  std::string AskUnconnected(int fd, const std::string& text) {
    const auto* to = reinterpret_cast<const sockaddr*>(&peer_);
    sendto(fd, text.data(), text.size(), 0, to, sizeof(peer_));
    std::string answer;
    // The peer sends two, and then nothing.
    for (int i = 0; i < 3; ++i) {
      char buffer[2048];
      sockaddr_in other = {};
      socklen_t length = sizeof(other);
      const ssize_t got =
          recvfrom(fd, buffer, sizeof(buffer), 0, reinterpret_cast<sockaddr*>(&other), &length);
      if (got < 0) return answer + strerror(errno) + "\n";
      answer += std::string(buffer, static_cast<std::size_t>(got)) + " from " + Text(other) + "\n";
      if (text.find("twice") == std::string::npos) return answer;
    }
    return answer;
  }

  std::string AskSeveral(int fd, const std::string& text) {
    std::string texts[2] = {text + "-one", text + "-two"};
    iovec vectors[2];
    mmsghdr messages[2] = {};
    for (int i = 0; i < 2; ++i) {
      vectors[i] = {texts[i].data(), texts[i].size()};
      messages[i].msg_hdr.msg_name = &peer_;
      messages[i].msg_hdr.msg_namelen = sizeof(peer_);
      messages[i].msg_hdr.msg_iov = &vectors[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    if (sendmmsg(fd, messages, 2, 0) != 2) return "not sent\n";
    std::string answer;
    char buffers[2][2048];
    sockaddr_in sources[2] = {};
    for (int seen = 0; seen < 2;) {
      for (int i = 0; i < 2; ++i) {
        vectors[i] = {buffers[i], sizeof(buffers[i])};
        messages[i].msg_hdr.msg_name = &sources[i];
        messages[i].msg_hdr.msg_namelen = sizeof(sources[i]);
      }
      const int got =
          recvmmsg(fd, messages, static_cast<unsigned>(2 - seen), MSG_WAITFORONE, nullptr);
      if (got < 0) return answer + strerror(errno) + "\n";
      for (int i = 0; i < got; ++i) {
        answer += std::string(buffers[i], messages[i].msg_len) + " from " + Text(sources[i]) + "\n";
      }
      seen += got;
    }
    return answer;
  }

  std::string Resolve(const std::string& name) {
    ares_options options = {};
    options.timeout = 1000;
    options.tries = 2;
    ares_channel channel = nullptr;
    ares_init_options(&channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
    ares_set_servers_ports_csv(channel, ("127.0.0.1:" + std::to_string(port_)).c_str());
    std::string answer;
    ares_gethostbyname(
        channel, name.c_str(), AF_INET,
        [](void* into, int status, int, hostent* host) {
          auto& text = *static_cast<std::string*>(into);
          if (status != ARES_SUCCESS) {
            text = std::string(ares_strerror(status)) + "\n";
            return;
          }
          for (char** at = host->h_addr_list; *at != nullptr; ++at) {
            char address[INET_ADDRSTRLEN];
            text += std::string(inet_ntop(AF_INET, *at, address, sizeof(address))) + "\n";
          }
        },
        &answer);
    for (;;) {
      fd_set read, write;
      FD_ZERO(&read);
      FD_ZERO(&write);
      const int count = ares_fds(channel, &read, &write);
      if (count == 0) break;
      timeval room;
      timeval* wait = ares_timeout(channel, nullptr, &room);
      select(count, &read, &write, nullptr, wait);
      ares_process(channel, &read, &write);
    }
    ares_destroy(channel);
    return answer;
  }

  sockaddr_in peer_;
  int port_;
  bool renamed_;
  int metrics_;
};

void Serve(int client, Asker& asker) {
  std::string request;
  char buffer[4096];
  for (ssize_t got; (got = read(client, buffer, sizeof(buffer))) > 0;) {
    request.append(buffer, static_cast<std::size_t>(got));
    const std::size_t end = request.find("\r\n\r\n");
    if (end == std::string::npos) continue;
    const std::size_t what = request.find('/') + 1;
    const std::size_t text = request.find('/', what) + 1;
    const std::string body = asker.Answer(request.substr(what, text - 1 - what),
                                          request.substr(text, request.find(' ', text) - text));
    request.erase(0, end + 4);
    const std::string answer =
        "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    if (write(client, answer.data(), answer.size()) < 0) return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  Asker asker(std::atoi(argv[2]), argc > 3 && std::string_view(argv[3]) == "renamed");
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const sockaddr_in address = Loopback(std::atoi(argv[1]));
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return 1;
  if (listen(listener, 64) != 0) return 1;
  for (;;) {
    const int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return 1;
    Serve(client, asker);
    close(client);
  }
}
