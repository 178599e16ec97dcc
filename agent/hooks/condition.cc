// Waits for condition variables: that somebody signalled this thread is told, as work may have
// reached it that way. Which work, and whose, is not to be seen from here: what was put into a
// queue before, by whom and in which order, happens without a call, and another thread may have
// taken it meanwhile. So it is told that the thread was woken, and nothing is made of who woke it.
//
// Waits with a time-out are left alone: an interpreter's threads wait so for its lock (CPython's
// for 5 ms at a time), before anything they do.
#include <errno.h>
#include <pthread.h>

#include "agent/hooks/hook.h"
#include "agent/record.h"
#include "agent/thread.h"
#include "agent/world/world.h"

namespace reprise::agent {

extern "C" {
int hook_pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex)
    REPRISE_HOOK(pthread_cond_wait);
}

namespace {

int note_wake(int result) {
  Thread* thread = result == 0 ? this_thread() : nullptr;
  if (thread == nullptr || thread->last_wait == LastWait::kWoken) return result;
  if (Record<abi::HandOff> record{*thread, abi::RecordType::kHandOff, stamp()}) {
    record->token = 0;
    record->kind = abi::HandOffKind::kWoken;
    record->reserved = 0;
    record.commit();
    thread->last_wait = LastWait::kWoken;
  }
  return result;
}

}  // namespace

int hook_pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  return note_wake(world::condition_wait(condition, mutex));
}

}  // namespace reprise::agent
