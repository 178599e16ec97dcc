// Answers what the agent asks through its mailboxes.
//
// Ownership: borrows everything. Threading: one thread.
#pragma once

#include <cstdint>

#include "replayer/clients.h"
#include "replayer/leak_watch.h"
#include "replayer/outcomes.h"
#include "replayer/responder.h"
#include "replayer/stage.h"
#include "replayer/threads.h"

namespace reprise::replayer {

class Questions {
 public:
  Questions(Stage& stage, Clients& clients, Responder& responder, LeakWatch& leaks,
            const Threads& threads);

  // Answers every thread that asked. True when there was one.
  bool answer_all();

 private:
  void answer(std::uint32_t slot);
  void answer_thread(std::uint32_t slot);
  void answer_connect(std::uint32_t slot);
  void answer_passed(std::uint32_t slot);
  void answer_lookup(std::uint32_t slot);
  void answer_leak_watch(std::uint32_t slot);
  void reply_with(std::uint32_t slot, const event::LookedUp& lookup);
  event::Context context_of(std::uint32_t slot);

  Stage& stage_;
  Clients& clients_;
  Responder& responder_;
  LeakWatch& leaks_;
  const Threads& threads_;
  LookupOutcomes lookups_;
};

}  // namespace reprise::replayer
