// A service that a debugger started, as the replayer's service.
//
// What the session launched is the debugger; the service is a child of that, known from the arena
// and from its own records. It has ended when its process is gone, and at the latest when the
// debugger is.
//
// Ownership: borrows the session. Threading: one thread.
#pragma once

#include <optional>

#include "cli/live_service.h"
#include "event/event.h"
#include "recorder/session.h"
#include "replayer/service.h"

namespace reprise::cli {

class DebuggedService final : public replayer::Service, public event::Observer {
 public:
  explicit DebuggedService(recorder::Session& session) : live_(session) {}

  void* arena() override { return live_.arena(); }
  void drain() override { live_.drain(); }
  event::Context context_of(std::uint32_t thread_slot) override {
    return live_.context_of(thread_slot);
  }
  const event::Exchange* exchange(event::ExchangeId id) override { return live_.exchange(id); }
  const event::Connection* connection(event::ConnectionId id) override {
    return live_.connection(id);
  }
  bool alive() override;
  std::optional<event::ProcessExited> exited() override;
  void signal(int number) override;
  // Makes the debugger stop the service, as the user's Ctrl-C does.
  void interrupt();

  // Learns how the root process ended.
  void on_event(const event::Event& event) override;

 private:
  // Pid of the service's root process; 0 before it has started.
  std::int32_t root();
  // Calls `visit(process)` for each that has started and not said that it ended.
  template <typename Visit>
  void for_each_process(Visit visit);

  LiveService live_;
  std::int32_t root_ = 0;
  std::optional<event::ProcessExited> exited_;
};

}  // namespace reprise::cli
