// Lets events, or what is derived from them, pass to a sink or not: while a recovery reads an
// archive back, what is in there is not written again. Threading: the collector's thread.
#pragma once

#include "recorder/sink.h"

namespace reprise::recorder {

class Gate final : public Sink {
 public:
  explicit Gate(Sink& sink) : sink_(sink) {}

  bool events = true;
  bool derived = true;  // connections, exchanges, calls

  void on_event(const event::Event& event) override {
    if (events) sink_.on_event(event);
  }
  void on_connection(const event::Connection& connection) override {
    if (derived) sink_.on_connection(connection);
  }
  void on_exchange(const event::Exchange& exchange) override {
    if (derived) sink_.on_exchange(exchange);
  }
  void on_call(const event::Call& call) override {
    if (derived) sink_.on_call(call);
  }
  std::uint64_t store(const event::Bytes& content) override { return sink_.store(content); }

 private:
  Sink& sink_;
};

}  // namespace reprise::recorder
