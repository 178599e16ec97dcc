// Cost of following a connection, for one exchange: the recorder pays this for everything it
// records.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/decoder.h"

namespace reprise::protocol {
namespace {

class CountingSink final : public TransactionSink {
 public:
  void on_request_begin(const Transaction&) override {}
  void on_request_end(const Transaction&) override {}
  void on_response_begin(const Transaction&) override {}
  void on_response_end(const Transaction&) override { ++count; }
  void on_opaque(event::Protocol, std::string_view, std::uint64_t, std::uint64_t) override {}

  std::uint64_t count = 0;
};

void exchange_repeatedly(benchmark::State& state, const std::string& request,
                         const std::string& response) {
  CountingSink sink;
  const auto decoder = make_decoder(sink);
  const auto bytes = [](const std::string& text) {
    return std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  };
  for (auto _ : state) {
    decoder->feed(Side::kClient, bytes(request));
    decoder->feed(Side::kServer, bytes(response));
  }
  if (sink.count != static_cast<std::uint64_t>(state.iterations())) {
    state.SkipWithError("not every exchange was seen");
  }
  state.SetItemsProcessed(state.iterations());
}

void small_http_exchange(benchmark::State& state) {
  exchange_repeatedly(
      state, "GET /index.html HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: wrk\r\n\r\n",
      "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Thu, 21 Nov 2024 03:32:00 GMT\r\n"
      "Content-Type: text/html\r\nContent-Length: 200\r\nConnection: keep-alive\r\n"
      "ETag: \"673ea9a0-c8\"\r\nAccept-Ranges: bytes\r\n\r\n" +
          std::string(200, 'x'));
}
BENCHMARK(small_http_exchange);

void browser_http_exchange(benchmark::State& state) {
  std::string headers;
  for (int i = 0; i < 20; ++i) {
    headers += "X-Header-Number-" + std::to_string(i) + ": " + std::string(60, 'v') + "\r\n";
  }
  exchange_repeatedly(state, "GET /a/b/c?d=e HTTP/1.1\r\nHost: example\r\n" + headers + "\r\n",
                      "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n" + headers + "\r\n" +
                          std::string(100'000, 'x'));
}
BENCHMARK(browser_http_exchange);

void redis_get(benchmark::State& state) {
  exchange_repeatedly(state, "*2\r\n$3\r\nGET\r\n$10\r\nstock:1234\r\n", "$5\r\n12345\r\n");
}
BENCHMARK(redis_get);

void redis_hmget_of_twenty(benchmark::State& state) {
  std::string command = "*22\r\n$5\r\nHMGET\r\n$5\r\nstock\r\n", reply = "*20\r\n";
  for (int i = 0; i < 20; ++i) {
    command += "$7\r\nfield" + std::to_string(10 + i) + "\r\n";
    reply += "$3\r\n100\r\n";
  }
  exchange_repeatedly(state, command, reply);
}
BENCHMARK(redis_hmget_of_twenty);

}  // namespace
}  // namespace reprise::protocol
