// usage: curl_multi_service PORT CERTIFICATES UPSTREAM
//
// An HTTP server of one thread around epoll and libcurl's multi interface
// (curl_multi_socket_action), whose pool of connections serves all. Each request has UPSTREAM asked
// for its target and for one behind it, both at once; answers with what both answered, or with 502.
#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "tests/programs/services/listener.h"

namespace {

// One request, until both of its calls have ended; outlives its client.
struct Request {
  int client;
  std::array<std::string, 2> bodies;
  int outstanding = 2;
  bool failed = false;

  void answer() const {
    const std::string body = failed ? "" : bodies[0] + bodies[1];
    const std::string text = std::string("HTTP/1.1 ") + (failed ? "502 Bad Gateway" : "200 OK") +
                             "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                             body;
    if (write(client, text.data(), text.size()) < 0) std::perror("write");
  }
};

std::size_t append(char* bytes, std::size_t size, std::size_t count, void* body) {
  static_cast<std::string*>(body)->append(bytes, size * count);
  return size * count;
}

class Server {
 public:
  Server(int listener, const char* certificates, std::string upstream)
      : listener_(listener), certificates_(certificates), upstream_(std::move(upstream)) {
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Server::watch_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Server::set_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    watch(listener_, EPOLLIN, EPOLL_CTL_ADD);
  }

  [[noreturn]] void run() {
    while (true) {
      std::array<epoll_event, 16> events;
      const int count =
          epoll_wait(epoll_, events.data(), events.size(), static_cast<int>(timer_ms_));
      int running = 0;
      if (count == 0) {
        timer_ms_ = -1;
        curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
      }
      for (int i = 0; i < count; ++i) handle(events[static_cast<std::size_t>(i)]);
      finish();
    }
  }

 private:
  // In an event's data, beside the descriptor: it is libcurl's.
  static constexpr std::uint64_t kOfCurl = std::uint64_t{1} << 32;

  void watch(int descriptor, std::uint32_t events, int operation, std::uint64_t whose = 0) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = whose | static_cast<std::uint64_t>(descriptor);
    epoll_ctl(epoll_, operation, descriptor, &event);
  }

  static int watch_socket(CURL*, curl_socket_t socket, int what, void* self, void* watched) {
    auto* server = static_cast<Server*>(self);
    const std::uint32_t events =
        ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0u) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0u);
    server->watch(socket, events,
                  what == CURL_POLL_REMOVE ? EPOLL_CTL_DEL
                  : watched == nullptr     ? EPOLL_CTL_ADD
                                           : EPOLL_CTL_MOD,
                  kOfCurl);
    curl_multi_assign(server->multi_, socket, what == CURL_POLL_REMOVE ? nullptr : self);
    return 0;
  }

  static int set_timer(CURLM*, long timeout_ms, void* self) {
    static_cast<Server*>(self)->timer_ms_ = timeout_ms;
    return 0;
  }

  void handle(const epoll_event& event) {
    const int descriptor = static_cast<int>(event.data.u64 & ~kOfCurl);
    if ((event.data.u64 & kOfCurl) != 0) {
      int running = 0;
      const int what = ((event.events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                       ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                       ((event.events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
      curl_multi_socket_action(multi_, descriptor, what, &running);
    } else if (descriptor == listener_) {
      watch(accept(listener_, nullptr, nullptr), EPOLLIN, EPOLL_CTL_ADD);
    } else {
      read_request(descriptor);
    }
  }

  void read_request(int client) {
    std::array<char, 4096> bytes;
    const ssize_t length = read(client, bytes.data(), bytes.size());
    if (length <= 0) {
      close(client);
      return;
    }
    const std::string text(bytes.data(), static_cast<std::size_t>(length));
    const std::size_t begin = text.find(' ') + 1;
    const std::string target = text.substr(begin, text.find(' ', begin) - begin);
    auto* request = new Request{client};
    ask(*request, request->bodies[0], target);
    ask(*request, request->bodies[1], target + "/behind");
  }

  void ask(Request& request, std::string& body, const std::string& target) {
    CURL* call = curl_easy_init();
    curl_easy_setopt(call, CURLOPT_URL, (upstream_ + target).c_str());
    curl_easy_setopt(call, CURLOPT_CAINFO, certificates_);
    curl_easy_setopt(call, CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(call, CURLOPT_WRITEDATA, &body);
    curl_easy_setopt(call, CURLOPT_PRIVATE, &request);
    curl_multi_add_handle(multi_, call);
  }

  // Answers those whose calls have ended.
  void finish() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      CURL* call = message->easy_handle;
      const CURLcode code = message->data.result;
      Request* request = nullptr;
      curl_easy_getinfo(call, CURLINFO_PRIVATE, &request);
      if (code != CURLE_OK) {
        std::fprintf(stderr, "%s\n", curl_easy_strerror(code));
        request->failed = true;
      }
      curl_multi_remove_handle(multi_, call);
      curl_easy_cleanup(call);
      if (--request->outstanding > 0) continue;
      const std::unique_ptr<Request> ended(request);
      ended->answer();
    }
  }

  const int listener_;
  const char* const certificates_;
  const std::string upstream_;
  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  CURLM* const multi_ = curl_multi_init();
  long timer_ms_ = -1;
};

}  // namespace

int main(int, char** words) {
  curl_global_init(CURL_GLOBAL_ALL);
  Server(listen_on(std::atoi(words[1])), words[2], words[3]).run();
}
