// Keeps all that a collector makes, for tests to look at. Last one wins, as in an archive.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "recorder/sink.h"

namespace reprise::recorder {

struct CollectedSink final : Sink {
  std::vector<event::Event> events;
  std::map<event::ConnectionId, event::Connection> connections;
  std::map<event::ExchangeId, event::Exchange> exchanges;
  std::map<event::CallId, event::Call> calls;
  std::vector<event::Bytes> contents;

  void on_event(const event::Event& event) override { events.push_back(event); }
  void on_connection(const event::Connection& connection) override {
    connections[connection.id] = connection;
  }
  void on_exchange(const event::Exchange& exchange) override { exchanges[exchange.id] = exchange; }
  void on_call(const event::Call& call) override { calls[call.id] = call; }
  std::uint64_t store(const event::Bytes& content) override {
    contents.push_back(content);
    return contents.size();
  }

  const event::Exchange& exchange(std::uint64_t number) const { return exchanges.at({number}); }
  const event::Call& call(std::uint64_t number) const { return calls.at({number}); }

  // Events with a fact of that kind, in the order they came.
  template <typename Fact>
  std::vector<const event::Event*> of() const {
    std::vector<const event::Event*> found;
    for (const event::Event& event : events) {
      if (std::holds_alternative<Fact>(event.fact)) found.push_back(&event);
    }
    return found;
  }
};

}  // namespace reprise::recorder
