// Accounts, under TLS. Whose a session is says another service, and for how many seconds that may
// be kept.
//
// The bug: each worker keeps it for itself. That a session has ended is known to the worker that
// ended it, and to no other.

#include <signal.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <map>
#include <string>

#include "tests/zoo/http_text.h"
#include "tests/zoo/prefork.h"
#include "tests/zoo/tls_connection.h"
#include "tests/zoo/tls_server.h"

#ifdef FIXED
#include <sys/mman.h>

#include <array>
#include <atomic>
#include <functional>
#include <new>
#endif

namespace {

#ifdef FIXED
// Sessions that have ended, in memory that the workers share: the last 1024.
class Ended {
 public:
  Ended()
      : shared_(new (mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Shared) {}

  void Add(const std::string& token) {
    shared_->tokens[shared_->added++ % shared_->tokens.size()] = std::hash<std::string>()(token);
  }

  [[nodiscard]] bool Has(const std::string& token) const {
    for (const auto& ended : shared_->tokens) {
      if (ended == std::hash<std::string>()(token)) return true;
    }
    return false;
  }

 private:
  struct Shared {
    std::atomic<std::size_t> added = 0;
    std::array<std::atomic<std::size_t>, 1024> tokens{};
  };

  Shared* const shared_;
};
#endif

class Accounts {
 public:
  Accounts(std::uint16_t port, std::string trusted) : port_(port), trusted_(std::move(trusted)) {}

  zoo::Response Answer(const zoo::Request& request) {
    const std::string token = request.Parameter("token");
    if (request.method == "DELETE") return End(token);
    const std::string user = User(token);
    if (user.empty()) return {.status = 401, .body = "{}"};
    return {.body = R"({"user":")" + user + "\"}"};
  }

 private:
  struct Kept {
    std::string user;
    std::time_t until = 0;
  };

  // Empty when the session has ended.
  std::string User(const std::string& token) {
    if (std::time(nullptr) < kept_[token].until) {
#ifdef FIXED
      if (ended_.Has(token)) return "";
#endif
      return kept_[token].user;
    }
    const std::string session = Ask("GET", token);
    const long seconds = std::atol(zoo::Field(session, "keep").c_str());
    kept_[token] = {zoo::Field(session, "user"), std::time(nullptr) + seconds};
    return kept_[token].user;
  }

  zoo::Response End(const std::string& token) {
    Ask("DELETE", token);
    kept_.erase(token);
#ifdef FIXED
    ended_.Add(token);
#endif
    return {.body = "{}"};
  }

  std::string Ask(const std::string& method, const std::string& token) {
    zoo::TlsConnection sessions(port_, trusted_);
    sessions.Send(method + " /" + token + " HTTP/1.1\r\n\r\n");
    return sessions.ReadObject().value_or("");
  }

  const std::uint16_t port_;
  const std::string trusted_;
  std::map<std::string, Kept> kept_;  // by token
#ifdef FIXED
  Ended ended_;
#endif
};

}  // namespace

int main(int, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  const zoo::TlsServer server(argv[1], argv[2]);
  Accounts accounts(static_cast<std::uint16_t>(std::atoi(argv[3])), argv[4]);
  zoo::ServePreforked(2, [&](int connection) {
    server.Serve(connection, [&](const zoo::Request& request) { return accounts.Answer(request); });
  });
}
