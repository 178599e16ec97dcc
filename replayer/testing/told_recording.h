// A recording that a test tells event by event. It becomes a real archive, in memory, and the plan
// is read back from that.
//
// What was told lies open until plan() is called, so that a test can damage it. Ownership: the plan
// may ask for stored contents, so this has to outlive it. Threading: one thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "archive/reader.h"
#include "event/exchange.h"
#include "replayer/plan.h"

namespace reprise::replayer {

// Every connection is accepted from it; nothing tells that it listens.
inline constexpr event::ConnectionId kTestListener{900};

struct ToldCall {
  std::string operation, request, response;
  std::string peer = "stock:80";
  event::Protocol protocol = event::Protocol::kHttp1;
  bool prelude = false;
  std::string target;
};

struct ToldRecording {
  // --- Who does what follows ---
  event::Context context;
  event::ProcessId process{1};
  event::ThreadId thread{1};

  // Each event comes a microsecond after the one before.
  event::Event& tell(event::Fact fact);
  void pause(nanoseconds span) { now_ticks += static_cast<std::uint64_t>(span.count()); }
  // When the latest event was.
  Moment now() const;

  // --- Connections; offsets are counted ---
  event::ConnectionId accept();
  event::ConnectionId connect(const std::string& peer, int error = 0);
  // One read with a buffer of `requested` bytes.
  event::ByteRange receive(event::ConnectionId connection, const std::string& bytes,
                           std::uint64_t requested = 4096);
  void receive_nothing(event::ConnectionId connection, int error);  // 0: end of stream
  event::ByteRange send(event::ConnectionId connection, const std::string& bytes);
  void report(std::vector<event::ConnectionId> readable);  // a readiness wait returned

  // --- Exchanges and calls ---
  // An HTTP exchange begins: the whole request is read at once, and `context` is its.
  event::ExchangeId begin(event::ConnectionId connection, const std::string& request);
  // The same for a request that was read already.
  event::ExchangeId begin_at(event::ConnectionId connection, event::ByteRange request);
  void answer(event::ExchangeId exchange, const std::string& response);
  // In `context`, on the one connection to that peer.
  event::CallId call(const ToldCall& call);

  [[nodiscard]] std::unique_ptr<Plan> plan(const Selection& selection = {});

  std::vector<event::Event> events;
  std::map<event::ConnectionId, event::Connection> connections;
  std::map<event::ExchangeId, event::Exchange> exchanges;
  std::map<event::CallId, event::Call> calls;
  std::uint64_t now_ticks = 5'000'000'000;

 private:
  std::map<event::ConnectionId, std::uint64_t> in_, out_, ordinals_;
  std::map<std::string, event::ConnectionId> peers_;
  std::unique_ptr<archive::Reader> reader_;
};

// Where the connection to a peer of a ToldRecording goes.
[[nodiscard]] event::Address address_of(const std::string& peer);

// HTTP messages.
[[nodiscard]] std::string get(const std::string& target, const std::string& headers = "");
[[nodiscard]] std::string ok(const std::string& body, const std::string& headers = "");
// A Redis command as clients send it.
[[nodiscard]] std::string command(const std::vector<std::string>& arguments);

[[nodiscard]] event::Bytes bytes_of(const std::string& text);
[[nodiscard]] std::string text_of(const event::Bytes& bytes);

}  // namespace reprise::replayer
