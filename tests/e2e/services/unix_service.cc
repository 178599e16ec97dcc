// An HTTP service on a Unix socket that asks a Redis server through another one.
//
//   unix_service LISTEN REDIS
//
// Both are paths, or abstract names that begin with "@". GET /KEY is answered with what Redis has
// under KEY, or with why it could not be asked, and with the names of the connection's two ends.
#include <hiredis/hiredis.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

namespace {

constexpr std::size_t kPath = offsetof(sockaddr_un, sun_path);

struct Closer {
  void operator()(redisContext* context) const { redisFree(context); }
};

std::string Text(const sockaddr_un& address, socklen_t length) {
  if (length <= kPath) return "unnamed";
  std::string path(address.sun_path, length - kPath);
  if (path[0] == '\0') return "@" + path.substr(1);
  return path.substr(0, path.find('\0'));
}

std::string Name(int socket, decltype(&getsockname) ask) {
  sockaddr_un address = {};
  socklen_t length = sizeof(address);
  ask(socket, reinterpret_cast<sockaddr*>(&address), &length);
  return Text(address, length);
}

std::string Value(const std::string& redis, const std::string& key) {
  const std::unique_ptr<redisContext, Closer> context(redisConnectUnix(redis.c_str()));
  if (context == nullptr || context->err != 0) {
    return std::string("no redis: ") + (context == nullptr ? "" : context->errstr);
  }
  auto* reply = static_cast<redisReply*>(redisCommand(context.get(), "GET %s", key.c_str()));
  if (reply == nullptr) return std::string("lost redis: ") + context->errstr;
  std::string value = reply->str == nullptr ? "nil" : std::string(reply->str, reply->len);
  freeReplyObject(reply);
  return value + " of " + Name(context->fd, getpeername);
}

int Listen(const std::string& name) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path, sizeof(address.sun_path) - 1);
  socklen_t length = sizeof(address);
  if (name[0] == '@') {
    address.sun_path[0] = '\0';
    length = static_cast<socklen_t>(kPath + name.size());
  } else {
    unlink(name.c_str());
  }
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      listen(listener, 64) != 0) {
    std::perror(name.c_str());
    return -1;
  }
  return listener;
}

void Serve(int client, const std::string& redis) {
  std::string request;
  char buffer[4096];
  for (ssize_t got; (got = read(client, buffer, sizeof(buffer))) > 0;) {
    request.append(buffer, static_cast<std::size_t>(got));
    const std::size_t end = request.find("\r\n\r\n");
    if (end == std::string::npos) continue;
    const std::size_t begin = request.find('/') + 1;
    const std::string key = request.substr(begin, request.find(' ', begin) - begin);
    request.erase(0, end + 4);
    const std::string body = Value(redis, key) + "\n" + Name(client, getsockname) + "\n" +
                             Name(client, getpeername) + "\n";
    const std::string answer =
        "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    if (write(client, answer.data(), answer.size()) < 0) return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const int listener = Listen(argv[1]);
  if (listener < 0) return 1;
  std::puts("ready");
  std::fflush(stdout);
  for (;;) {
    const int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return 1;
    Serve(client, argv[2]);
    close(client);
  }
}
