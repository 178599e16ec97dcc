// Which threads have found nothing to do, or are being told what there is to do: from an EAGAIN, or
// the return of a readiness wait, to the next I/O. What a thread draws then depends on the moment
// at which bytes arrive and threads get to run, and differs between equal runs.
//
// Fed with events in order. Thread-compatible.
#pragma once

#include <unordered_map>

#include "event/event.h"

namespace reprise::event {

class Idling {
 public:
  void add(const Event& event);
  bool is(ThreadId thread) const;

 private:
  std::unordered_map<ThreadId, bool> threads_;
};

}  // namespace reprise::event
