// Test support: writes down what a decoder reports, one line a callback, and runs a connection
// given as pieces of text through a decoder in any cut.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/decoder.h"

namespace reprise::protocol {

class TransactionLog final : public TransactionSink {
 public:
  void on_request_begin(const Transaction& transaction) override;
  void on_request_end(const Transaction& transaction) override;
  void on_response_begin(const Transaction& transaction) override;
  void on_response_end(const Transaction& transaction) override;
  void on_opaque(event::Protocol protocol, std::string_view why, std::uint64_t client_offset,
                 std::uint64_t server_offset) override;

  // In the order of the callbacks:
  //   "request 1 [0,18) GET / HTTP", "response 1 [0,38) 200", "push 1 [38,50) OK", "opaque [18,38)
  //   why"
  // Requests and responses stand where they ended. One that only began is "request 2 [18," at the
  // end.
  std::vector<std::string> lines() const;
  const std::vector<Transaction>& requests() const { return requests_; }
  const std::vector<Transaction>& responses() const { return responses_; }

 private:
  std::vector<std::string> lines_, open_;
  std::vector<Transaction> requests_, responses_;
};

// What happens on a connection, in order.
struct Step {
  enum class Kind : std::uint8_t { kBytes, kEof, kReset };
  Side side = Side::kClient;
  std::string bytes;
  Kind kind = Kind::kBytes;
};

// Reads naturally in tests: {client("GET …"), server("HTTP/1.1 …"), server_closes()}.
Step client(std::string_view bytes);
Step server(std::string_view bytes);
Step client_closes();
Step server_closes();
Step server_resets();

using Script = std::vector<Step>;

// `cuts` are the positions, in the script's bytes as a whole, where a feed ends besides at the end
// of each step; sorted.
std::vector<std::string> run(const Script& script, const std::vector<std::size_t>& cuts = {});

// Number of bytes of all steps together.
std::size_t size_of(const Script& script);

}  // namespace reprise::protocol
