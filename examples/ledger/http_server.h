// The HTTP side of the ledger, on libmicrohttpd.
#ifndef EXAMPLES_LEDGER_HTTP_SERVER_H_
#define EXAMPLES_LEDGER_HTTP_SERVER_H_

#include <microhttpd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "examples/ledger/request_handler.h"

namespace ledger {

enum class ThreadModel {
  /// A fixed number of threads, each polling its own share of the connections.
  kPool,
  /// One thread waits for connections, and each connection has one of its own.
  kThreadPerConnection,
};

struct HttpServerOptions {
  /// 0 takes a free one. The address is 127.0.0.1.
  uint16_t port = 0;
  ThreadModel model = ThreadModel::kPool;
  /// Of the pool.
  unsigned threads = 4;
};

/// Serves from Start() until it is destroyed, which closes all connections when the requests in
/// hand are handled. Borrows its handler.
class HttpServer {
 public:
  [[nodiscard]] static tl::expected<HttpServer, std::string> Start(const HttpServerOptions& options,
                                                                   RequestHandler& handler);

  /// The port that it listens on.
  [[nodiscard]] uint16_t port() const;

 private:
  struct StopDaemon {
    void operator()(MHD_Daemon* daemon) const { MHD_stop_daemon(daemon); }
  };

  explicit HttpServer(MHD_Daemon* daemon) : daemon_(daemon) {}

  std::unique_ptr<MHD_Daemon, StopDaemon> daemon_;
};

}  // namespace ledger

#endif  // EXAMPLES_LEDGER_HTTP_SERVER_H_
