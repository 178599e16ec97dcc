#include "tests/zoo/epoll_server.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "tests/zoo/http_text.h"
#include "tests/zoo/listener.h"

namespace zoo {
namespace {

void Watch(int epoll, int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.fd = descriptor;
  epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

// Reads until there is no more for now; false when the client is gone.
bool ReadAll(int connection, std::string& bytes) {
  while (true) {
    char part[4096];
    const ssize_t length = recv(connection, part, sizeof part, 0);
    if (length > 0) {
      bytes.append(part, static_cast<std::size_t>(length));
    } else if (length < 0 && errno == EAGAIN) {
      return true;
    } else if (length == 0 || errno != EINTR) {
      return false;
    }
  }
}

}  // namespace

void ServeWithEpoll(const std::function<std::unique_ptr<Conversation>()>& begin) {
  const int listener = Listen();
  fcntl(listener, F_SETFL, O_NONBLOCK);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  Watch(epoll, listener);
  std::map<int, std::unique_ptr<Conversation>> conversations;
  while (true) {
    epoll_event events[64];
    const int count = epoll_wait(epoll, events, 64, -1);
    for (int index = 0; index < count; ++index) {
      const int ready = events[index].data.fd;
      if (ready == listener) {
        while (true) {
          const int connection = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
          if (connection < 0) break;
          conversations[connection] = begin();
          Watch(epoll, connection);
        }
        continue;
      }
      std::string bytes;
      const bool open = ReadAll(ready, bytes);
      if (!bytes.empty()) SendAll(ready, conversations[ready]->Received(bytes));
      if (!open) {
        conversations.erase(ready);
        close(ready);
      }
    }
  }
}

}  // namespace zoo
