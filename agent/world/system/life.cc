// The world as it is: nothing is to be done when it begins, goes on or ends.
#include <errno.h>

#include "agent/system_call.h"
#include "agent/world/world.h"

namespace reprise::agent::world {

void start(char**) {}

void forking(Thread&) {}

void forked(Thread&) {}

void creating_thread(Thread&, Thread&) {}

void thread_started(Thread&) {}

void process_ending() {}

const char* const* inherited_variables() {
  static constexpr const char* kNothing[] = {nullptr};
  return kNothing;
}

bool keeps_signal(int) { return false; }

bool keeps_sandbox_out() { return false; }

long call_by_number(long number, const long* a) {
  const long result = raw_system_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  if (!failed(result)) return result;
  errno = static_cast<int>(-result);
  return -1;
}

}  // namespace reprise::agent::world
