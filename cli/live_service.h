// A recorder's session as the replayer's service: the one place where the two meet.
//
// Ownership: borrows the session. Threading: one thread.
#pragma once

#include <chrono>
#include <optional>

#include "recorder/session.h"
#include "replayer/service.h"

namespace reprise::cli {

class LiveService final : public replayer::Service {
 public:
  explicit LiveService(recorder::Session& session) : session_(session) {}

  void* arena() override { return &session_.arena().header(); }
  void drain() override;
  event::Context context_of(std::uint32_t thread_slot) override {
    return session_.context_of(thread_slot);
  }
  const event::Exchange* exchange(event::ExchangeId id) override { return session_.exchange(id); }
  const event::Connection* connection(event::ConnectionId id) override {
    return session_.connection(id);
  }
  bool alive() override;
  std::optional<event::ProcessExited> exited() override;
  void signal(int number) override { session_.signal(number); }

 private:
  void step_when_due();

  recorder::Session& session_;
  std::chrono::steady_clock::time_point next_step_;
};

}  // namespace reprise::cli
