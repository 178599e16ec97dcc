// The world as it is: nothing is to be done when it begins, goes on or ends.
#include "agent/world/world.h"

namespace reprise::agent::world {

void start(char**) {}

void forking(Thread&) {}

void forked(Thread&) {}

void creating_thread(Thread&, Thread&) {}

void thread_started(Thread&) {}

void thread_ending(Thread&) {}

void process_ending() {}

const char* const* inherited_variables() {
  static constexpr const char* kNothing[] = {nullptr};
  return kNothing;
}

bool keeps_signal(int) { return false; }

}  // namespace reprise::agent::world
