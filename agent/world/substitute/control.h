// The control file as this process has it mapped: the way to the replayer.
//
// Mapped once by attach(), at start-up, and never unmapped; the mapping is shared and survives
// fork. Before attach(), and when there is no control file, attached() is false and the substitute
// world forwards like the system one.
//
// Threading: attach() before the service has threads; everything else from any thread.
#pragma once

#include <atomic>
#include <cstdint>

#include "agent/abi/control.h"

namespace reprise::agent {

class Control {
 public:
  // Maps `path`. False, with nothing changed, when it is no control file of this version.
  [[nodiscard]] bool attach(const char* path);

  bool attached() const { return base_ != nullptr; }
  abi::ControlHeader& header() const { return abi::control_header(base_); }
  // One more system call that came through a hook.
  void count_hooked() const {
    if (attached()) header().calls_hooked.fetch_add(1, std::memory_order_relaxed);
  }

  // Null when the number names nothing: kNone, or past the end.
  abi::Link* link(std::uint32_t number) const;
  abi::Mailbox* mailbox(std::uint32_t thread) const;
  abi::Gate* gate(std::uint32_t thread) const;
  const abi::TapeEntry* entry(std::uint32_t number) const;

  const abi::TapeDraw* draws() const { return abi::tape_draws(base_); }
  const std::byte* bytes() const { return abi::tape_bytes(base_); }

 private:
  void* base_ = nullptr;
};

// The process's own; constant-initialised.
Control& control();

}  // namespace reprise::agent
