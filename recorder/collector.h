// Records to events: gives every record its context, and derives connections, exchanges and calls.
//
//   records ─▶ FactReader ─▶ Collector ─▶ Traffic (connections, exchanges, calls, whose work it is)
//                                └──────▶ Outlet ─▶ sink, observers
//
// The same collector serves replays, whose events are watched by an observer and whose threads can
// be asked about, and journals (recorder/derivation.h).
//
// Ownership: borrows the sink and everything in CollectorSetting. Threading: one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "event/exchange.h"
#include "recorder/fact_reader.h"
#include "recorder/keeper.h"
#include "recorder/outlet.h"
#include "recorder/participants.h"
#include "recorder/surroundings.h"
#include "recorder/traffic.h"

namespace reprise::recorder {

struct CollectorSetting {
  Surroundings* surroundings = nullptr;  // borrowed; not null
  std::uint64_t ticks_per_second = 1'000'000'000;
  Traffic::RecordedOrdinals recorded_ordinals;  // of a replay
};

class Collector final : public Keeper {
 public:
  Collector(Sink& sink, CollectorSetting setting);

  void add_observer(event::Observer& observer) { outlet_.add_observer(observer); }

  // A record of a run; brief ones are resolved. The view is valid until settled().
  void on_record(std::uint32_t slot, std::uint64_t position, const RecordView& record);

  // --- From the drain
  std::uint64_t on_thread(const ThreadIdentity& identity) override;
  void on_run(const RecordRun& run) override;
  void on_loss(std::uint32_t slot, const StreamLoss& loss) override;
  void on_thread_gone(std::uint32_t slot) override;
  void on_process_gone(std::uint32_t slot) override;

  // --- From the session
  void on_status(std::int32_t pid, event::ProcessExited exit) override;
  void on_gap(const std::string& reason, std::uint64_t records) override;
  void hand_on() override {}  // done at once
  void settled() override;
  void age() override;
  void finish() override;

  // For whom the thread in that slot works now. For a call it is about to make.
  event::Context context_of(std::uint32_t slot);
  // An exchange that is not long over, an open connection; null for others.
  const event::Exchange* exchange(event::ExchangeId id);
  const event::Connection* connection(event::ConnectionId id);

  // How the first process ended, as far as its records or its status tell.
  const std::optional<event::ProcessExited>& root_exit() const { return root_exit_; }
  const BookCounts& counts() const { return traffic_.book().counts(); }
  const OutletCounts& gaps() const { return outlet_.counts(); }
  std::uint64_t connections() const { return traffic_.connections().opened(); }
  // What memory is held for.
  std::size_t open_connections() const { return traffic_.connections().size(); }
  std::size_t exchange_places() const { return traffic_.book().places(); }

 private:
  bool may_wait(const ThreadState& thread, abi::RecordType type) const;
  void flush_held(ThreadState& thread, event::Context context);
  void handle(ThreadState& thread, std::uint64_t position, const RecordView& record);
  void handle(ThreadState& thread, std::uint64_t position, event::Event& event,
              const std::uint8_t* bytes);
  // Brings everything up to date with the event, and returns its context.
  event::Context apply(ThreadState& thread, std::uint64_t position, event::Event& event,
                       const std::uint8_t* bytes);
  static void note_decision(ThreadState& thread, const event::Fact& fact);
  void register_child(ThreadState& thread, const RecordView& record);
  Turn turn_for_child(const ProcessState& child);

  event::Context started(ThreadState& thread, event::ProcessStarted& fact);
  event::Context thread_started(ThreadState& thread, const event::ThreadStarted& fact);
  event::Context handed_off(ThreadState& thread, const event::HandedOff& fact);
  event::Context waited(ThreadState& thread, const event::Waited& fact);
  event::Context drawn(ThreadState& thread);
  event::Context signalled(ThreadState& thread, const event::SignalReceived& fact);
  void opened(ThreadState& thread, std::uint64_t position, event::Event& event);
  void tell_time_zone(const ProcessState& process);
  event::Context lost(ThreadState& thread, const event::Gap& fact);
  void note_exit(ProcessState& process, const event::ProcessExited& exit);
  void tell_exit(ProcessState& process);
  event::Stamp now() const;

  CollectorSetting setting_;
  Participants participants_;
  Outlet outlet_;
  Traffic traffic_;
  FactReader reader_;
  std::optional<event::ProcessExited> root_exit_;
  std::map<std::int32_t, event::ProcessExited> statuses_;  // by pid, until the process is gone
};

}  // namespace reprise::recorder
