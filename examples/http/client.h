// Calls to an HTTP API, with libcurl.
#ifndef EXAMPLES_HTTP_CLIENT_H_
#define EXAMPLES_HTTP_CLIENT_H_

#include <optional>
#include <string>

namespace http {

struct Reply {
  int status = 0;
  std::string body;
};

/// Keeps its connection between calls. Blocks until an answer is there; not thread-safe.
class Client {
 public:
  Client();
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Nothing when there was no whole answer.
  [[nodiscard]] std::optional<Reply> Get(const std::string& url);
  [[nodiscard]] std::optional<Reply> Post(const std::string& url, const std::string& body);

 private:
  [[nodiscard]] std::optional<Reply> Perform(const std::string& url);

  /// A CURL*; the header that says so costs each user a second of compilation.
  void* curl_;
};

}  // namespace http

#endif  // EXAMPLES_HTTP_CLIENT_H_
