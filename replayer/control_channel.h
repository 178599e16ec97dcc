// The way in for a debugger: commands and answers, one JSON object a line, over a Unix socket.
//
//   → {"id": 1, "command": "where", "thread": 4711}
//   ← {"id": 1, "ok": true, "exchange": 17, …}
//   ← {"id": 1, "ok": false, "error": "what went wrong and what to do"}
//
// `id` is the client's and comes back as it was. Fields that a command does not know are ignored,
// and new commands and fields may be added without a new version; `hello` tells the version, which
// grows when the meaning of something changes.
//
// The channel serves whoever may write to the socket, which lies in the session's private
// directory. It never blocks: a client that does not read its answers is dropped.
//
// Ownership: owns the socket, and removes it from the file system. Threading: one thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "replayer/error.h"

namespace reprise::replayer {

inline constexpr int kControlChannelVersion = 1;

class ControlChannel {
 public:
  // Answers a command: fields of the answer. An error is told to the client.
  using Answer = tl::expected<nlohmann::json, std::string>;
  using Handler = std::function<Answer(const nlohmann::json& request)>;

  [[nodiscard]] static tl::expected<std::unique_ptr<ControlChannel>, Error> open(
      const std::string& path);
  ~ControlChannel();
  ControlChannel(const ControlChannel&) = delete;
  ControlChannel& operator=(const ControlChannel&) = delete;

  const std::string& path() const { return path_; }
  void on(const std::string& command, Handler handler);

  // Takes and answers what has come. Never blocks.
  void serve();

 private:
  struct Client {
    int fd = -1;
    std::string unread;  // the beginning of a line
    std::string unsent;
    bool ended = false;
  };

  explicit ControlChannel(std::string path, int listener);
  void accept_clients();
  void read_from(Client& client);
  void write_to(Client& client);
  std::string answer(const std::string& line) const;

  std::string path_;
  int listener_;
  std::vector<Client> clients_;
  std::map<std::string, Handler> handlers_;
};

}  // namespace reprise::replayer
