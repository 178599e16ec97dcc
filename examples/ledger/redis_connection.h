// A connection to Redis, on hiredis.
#ifndef EXAMPLES_LEDGER_REDIS_CONNECTION_H_
#define EXAMPLES_LEDGER_REDIS_CONNECTION_H_

#include <hiredis/hiredis.h>

#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "examples/ledger/reply.h"
#include "examples/ledger/resp3_reader.h"

namespace ledger {

enum class RespVersion { kResp2, kResp3 };

struct RedisServer {
  std::string host;
  int port = 6379;
  RespVersion version = RespVersion::kResp2;
};

/// A command and its arguments.
using Command = std::vector<std::string>;

/// Owns one connection, opened at the first command and again at the first one after a failure.
/// Blocks for at most two seconds a reply. Not thread-safe.
class RedisConnection {
 public:
  explicit RedisConnection(RedisServer server);

  /// Sends all `commands` at once and gives their replies, those of kind kError too. The error says
  /// why Redis cannot be talked to.
  [[nodiscard]] tl::expected<std::vector<Reply>, std::string> Run(
      const std::vector<Command>& commands);

 private:
  struct FreeContext {
    void operator()(redisContext* context) const { redisFree(context); }
  };

  [[nodiscard]] tl::expected<void, std::string> Connect();
  [[nodiscard]] tl::expected<std::vector<Reply>, std::string> Exchange(
      const std::vector<Command>& commands);
  [[nodiscard]] tl::expected<void, std::string> Send(const std::vector<Command>& commands);
  [[nodiscard]] tl::expected<Reply, std::string> ReceiveResp2();
  [[nodiscard]] tl::expected<Reply, std::string> ReceiveResp3();

  RedisServer server_;
  std::unique_ptr<redisContext, FreeContext> context_;
  Resp3Reader resp3_reader_;
};

}  // namespace ledger

#endif  // EXAMPLES_LEDGER_REDIS_CONNECTION_H_
