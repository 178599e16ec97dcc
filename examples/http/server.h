// Serves HTTP with libmicrohttpd, and writes a line of log for each request.
#ifndef EXAMPLES_HTTP_SERVER_H_
#define EXAMPLES_HTTP_SERVER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace http {

struct Request {
  /// Eight random hexadecimal digits; in the log, and in the answer's header X-Request-Id.
  std::string id;
  std::string method;
  /// Without a query.
  std::string path;
  /// Of the query, decoded.
  std::map<std::string, std::string> parameters;
  std::string body;

  /// A parameter's value; empty without it.
  [[nodiscard]] std::string Parameter(const std::string& name) const;
};

struct Answer {
  int status = 200;
  /// JSON.
  std::string body;
  /// Besides those that the server adds.
  std::map<std::string, std::string> headers = {};
};

enum class ThreadModel {
  /// A fixed number of threads, each polling its own share of the connections.
  kPool,
  /// One thread waits for connections, and each connection has one of its own.
  kThreadPerConnection,
};

struct ServerOptions {
  /// 0 takes a free one. The address is 127.0.0.1.
  uint16_t port = 0;
  ThreadModel model = ThreadModel::kPool;
  /// Of the pool.
  unsigned threads = 4;
};

/// Called on several threads at once.
using Handler = std::function<Answer(const Request&)>;

/// What a service's main() ends with: prints "listening on PORT", serves until SIGINT or SIGTERM,
/// and returns the program's exit status when the requests in hand are handled. To be called before
/// the program has threads, so that none of them takes these signals.
[[nodiscard]] int ServeUntilStopped(const ServerOptions& options, const Handler& handler);

}  // namespace http

#endif  // EXAMPLES_HTTP_SERVER_H_
