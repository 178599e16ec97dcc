// Records to events: gives every record its context, and derives connections, exchanges and calls.
//
//   records ─▶ FactReader ─▶ Collector ─▶ Traffic (connections, exchanges, calls, whose work it is)
//                                └──────▶ Outlet ─▶ sink, observers
//
// The same collector serves recordings, replays (whose events are watched by an observer, and whose
// threads can be asked about), and recoveries (which let it read the archive's own events first).
//
// Ownership: borrows the sink and everything in CollectorSetting. Threading: one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "event/exchange.h"
#include "recorder/drain.h"
#include "recorder/fact_reader.h"
#include "recorder/gate.h"
#include "recorder/outlet.h"
#include "recorder/participants.h"
#include "recorder/start_files.h"
#include "recorder/traffic.h"

namespace reprise::recorder {

struct CollectorSetting {
  // Who has a ProcessSlot.
  std::function<ProcessIdentity(std::uint32_t slot)> identify;
  // Stamp of this moment, for what the recorder adds itself.
  std::function<std::uint64_t()> now;
  std::uint64_t ticks_per_second = 1'000'000'000;
  // What the root process was started with; NAME=value.
  std::vector<std::string> environment;
  // Archive thread numbers by ThreadSlot, kept where a recovery finds them; may be empty.
  std::span<std::uint64_t> thread_numbers;
  SocketJournal* sockets = nullptr;             // borrowed
  Traffic::RecordedOrdinals recorded_ordinals;  // of a replay
};

class Collector final : public RecordConsumer {
 public:
  Collector(Sink& sink, CollectorSetting setting);

  void add_observer(event::Observer& observer) { outlet_.add_observer(observer); }

  // --- From the drain
  std::uint64_t on_thread(const ThreadIdentity& identity) override;
  void on_record(std::uint32_t slot, std::uint64_t position, const RecordView& record) override;
  void on_loss(std::uint32_t slot, const StreamLoss& loss) override;
  void on_thread_gone(std::uint32_t slot) override;
  void on_slot_free(std::uint32_t slot) override;
  void on_process_gone(std::uint32_t slot) override;
  std::uint64_t kept_from(std::uint32_t slot) const override;

  // --- From the session
  // How a process ended, as the system tells its parent (waitpid).
  void on_status(std::int32_t pid, event::ProcessExited exit);
  // Something is missing that no record tells of.
  void on_gap(const std::string& reason, std::uint64_t records = 0);
  // Everything is in the archive and segments were given back: views into the arena are void.
  void settled();
  // A few times a second.
  void age();
  // The recording is over: what is open is told as it is.
  void finish();

  // For whom the thread in that slot works now. For a call it is about to make.
  event::Context context_of(std::uint32_t slot);
  // An exchange that is not long over, an open connection; null for others.
  const event::Exchange* exchange(event::ExchangeId id);
  const event::Connection* connection(event::ConnectionId id);

  // --- A recovery: what is in the archive already, in its order
  // `open`: connections that were not closed, with their cookies.
  void absorb_connections(const std::vector<event::Connection>& open,
                          const std::map<event::ConnectionId, abi::Cookie>& sockets);
  // `told`: what follows from it is in the archive as well, and need not be told again.
  void absorb(const event::Event& event, bool told);
  // Numbers up to these are taken.
  void absorbed(std::uint64_t exchanges, std::uint64_t calls);

  // How the first process ended, as far as its records or its status tell.
  const std::optional<event::ProcessExited>& root_exit() const { return root_exit_; }
  const BookCounts& counts() const { return traffic_.book().counts(); }
  const OutletCounts& gaps() const { return outlet_.counts(); }
  std::uint64_t connections() const { return traffic_.connections().opened(); }
  std::uint64_t unread_tls() const { return traffic_.unread_tls(); }
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
  void reopen_recorded(const event::Event& event);
  void count_early_draws();
  event::Stamp now() const;

  CollectorSetting setting_;
  Gate gate_;
  Participants participants_;
  Outlet outlet_;
  Traffic traffic_;
  FactReader reader_;
  StartFiles start_files_;
  std::map<event::ConnectionId, event::Connection> recorded_connections_;  // while absorbing
  // Of a recovery: draws of exchanges whose first byte was not seen yet.
  std::map<event::Context, std::uint64_t> early_draws_;
  event::Stamp absorbed_until_;
  std::optional<event::ProcessExited> root_exit_;
  std::map<std::int32_t, event::ProcessExited> statuses_;  // by pid, until the process is gone
};

}  // namespace reprise::recorder
