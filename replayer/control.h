// The replayer's side of the control file: what the agent in the service is told.
//
// agent/abi/control.h is the contract; this class is the one writer of the replayer's fields. It
// keeps their order of publication: contents first, then the word that makes them valid, then the
// wake-up.
//
// Ownership: owns the mapping and the file, which it removes when destroyed (the service's mapping
// lives on). Threading: one thread; links may be opened, closed and published to by another one as
// well, each link by one at a time.
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <type_traits>
#include <vector>

#include "agent/abi/control.h"
#include "replayer/error.h"
#include "replayer/plan.h"

namespace reprise::replayer {

// A slot of the agent's link table. Ids of closed links come back.
struct LinkId {
  std::uint32_t value = abi::kNone;
  explicit operator bool() const { return value != abi::kNone; }
  friend auto operator<=>(const LinkId&, const LinkId&) = default;
};

class Control {
 public:
  // Makes the file with the plan's whole tape in it, links for all of its connections that can be
  // open at once, and a mailbox for each of the arena's `thread_slots`. Every block is really
  // allocated, so that a full disk is an error here and not a SIGBUS in the service.
  [[nodiscard]] static tl::expected<Control, Error> create(const std::string& path,
                                                           std::uint32_t thread_slots,
                                                           const Plan& plan);
  Control(Control&& other) noexcept;
  Control& operator=(Control&& other) = delete;
  ~Control();

  const std::string& path() const { return path_; }
  // Lets a service that gave up its privileges map the file too.
  void set_mode(unsigned mode);

  // --- Links ---
  // Takes a free link; none when all are in use. `tls`: how its peer speaks it, null not at all.
  [[nodiscard]] LinkId open_link(abi::LinkRole role, std::uint64_t recorded,
                                 const abi::Mark& opening, const RecordedTls* tls = nullptr);
  // Both ends of its connection are closed, and the service forgot it.
  void close_link(LinkId link);
  // Publishes `mark`. Marks of one link come with growing offsets. False, and nothing done, while
  // the ring is full: as many marks are unread as it holds, by `consumed` bytes.
  [[nodiscard]] bool publish(LinkId link, const abi::Mark& mark, std::uint64_t consumed);

  // --- Questions ---
  // True when the thread in `slot` asked and was not answered.
  bool asked(std::uint32_t slot) const;
  const abi::Mailbox& question(std::uint32_t slot) const;
  // Answers with `body`, at most sizeof(Mailbox::payload) bytes, and wakes the thread.
  void answer(std::uint32_t slot, std::span<const std::byte> body);
  template <typename Answer>
  requires std::is_trivially_copyable_v<Answer>
  void answer_with(std::uint32_t slot, const Answer& body) {
    answer(slot, std::as_bytes(std::span(&body, 1)));
  }
  // There is no answer: the hook fails as a lost dependency would.
  void refuse(std::uint32_t slot);

  // --- Turns ---
  // One thread of the service runs at a time. Before the service starts.
  void take_turns();
  bool takes_turns() const { return header().one_at_a_time.load(std::memory_order_relaxed) != 0; }
  const abi::Gate& gate(std::uint32_t slot) const { return abi::gates(base_)[slot]; }
  // Lets the thread in `slot` go that waits at its gate. Until it may have woken another one it
  // takes every step that was recorded before `horizon_ns`.
  void open_gate(std::uint32_t slot, std::int64_t horizon_ns);

  // --- The clock words ---
  void set_clock(std::int64_t monotonic_ns, std::int64_t realtime_ns);
  // Wakes sleepers, after the clock passed a deadline of theirs.
  void wake_sleepers();
  // From here on clocks, time-outs and threads run by themselves: the recording is over.
  void let_time_run();

  // Asks the agent to watch for system calls that escape its hooks. Before the service starts.
  void want_leak_watch();

  // What the agent gave so far.
  const abi::ControlHeader& header() const { return abi::control_header(base_); }

 private:
  Control() = default;
  abi::ControlHeader& mutable_header() { return abi::control_header(base_); }
  void reply(std::uint32_t slot, abi::MailState state);

  std::string path_;
  void* base_ = nullptr;
  std::size_t bytes_ = 0;
  std::mutex links_mutex_;                 // of free_links_
  std::vector<std::uint32_t> free_links_;  // highest first
};

}  // namespace reprise::replayer
