#include "replayer/control_channel.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

namespace reprise::replayer {
namespace {

// Of one line, and of what a client may leave unread.
constexpr std::size_t kLongest = std::size_t{1} << 20;

tl::unexpected<Error> failure(const std::string& what) {
  return tl::unexpected(
      Error{.message = "no way in for the debugger: " + what + ": " + std::strerror(errno)});
}

}  // namespace

tl::expected<std::unique_ptr<ControlChannel>, Error> ControlChannel::open(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return failure(path);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) return failure("socket");
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener, 8) != 0) {
    const auto error = failure(path);
    ::close(listener);
    return error;
  }
  return std::unique_ptr<ControlChannel>(new ControlChannel(path, listener));
}

ControlChannel::ControlChannel(std::string path, int listener)
    : path_(std::move(path)), listener_(listener) {
  on("hello", [](const nlohmann::json&) -> Answer {
    return nlohmann::json{{"version", kControlChannelVersion}};
  });
}

ControlChannel::~ControlChannel() {
  for (const Client& client : clients_) ::close(client.fd);
  ::close(listener_);
  ::unlink(path_.c_str());
}

void ControlChannel::on(const std::string& command, Handler handler) {
  handlers_[command] = std::move(handler);
}

void ControlChannel::serve() {
  accept_clients();
  for (Client& client : clients_) {
    read_from(client);
    write_to(client);
    if (client.ended) ::close(client.fd);
  }
  std::erase_if(clients_, [](const Client& client) { return client.ended; });
}

void ControlChannel::accept_clients() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    clients_.push_back({fd, "", "", false});
  }
}

void ControlChannel::read_from(Client& client) {
  char buffer[4096];
  ssize_t length = 0;
  while ((length = ::recv(client.fd, buffer, sizeof buffer, 0)) > 0) {
    client.unread.append(buffer, static_cast<std::size_t>(length));
    if (client.unread.size() > kLongest) break;
  }
  if (length == 0 || (length < 0 && errno != EAGAIN) || client.unread.size() > kLongest) {
    client.ended = true;
  }
  std::size_t end = 0;
  while ((end = client.unread.find('\n')) != std::string::npos) {
    client.unsent += answer(client.unread.substr(0, end)) + "\n";
    client.unread.erase(0, end + 1);
  }
}

void ControlChannel::write_to(Client& client) {
  while (!client.unsent.empty()) {
    const ssize_t sent =
        ::send(client.fd, client.unsent.data(), client.unsent.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno != EAGAIN || client.unsent.size() > kLongest) client.ended = true;
      return;
    }
    client.unsent.erase(0, static_cast<std::size_t>(sent));
  }
}

std::string ControlChannel::answer(const std::string& line) const {
  using nlohmann::json;
  const json request = json::parse(line, nullptr, false);
  json reply = {{"ok", false}};
  if (!request.is_object()) {
    reply["error"] = "a request is one JSON object on a line";
    return reply.dump();
  }
  if (request.contains("id")) reply["id"] = request["id"];
  const auto command = request.find("command");
  const auto handler = command != request.end() && command->is_string()
                           ? handlers_.find(command->get<std::string>())
                           : handlers_.end();
  if (handler == handlers_.end()) {
    reply["error"] = "there is no such command";
    return reply.dump();
  }
  const Answer answer = handler->second(request);
  if (!answer) {
    reply["error"] = answer.error();
  } else {
    reply["ok"] = true;
    reply.update(*answer);
  }
  // Text of a service may be no UTF-8.
  return reply.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace reprise::replayer
