// Condition variables as the C library has them.
#include "agent/original.h"
#include "agent/world/world.h"

namespace reprise::agent::world {

int condition_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  return original().pthread_cond_wait(condition, mutex);
}

int condition_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex, const timespec* time) {
  return original().pthread_cond_timedwait(condition, mutex, time);
}

int condition_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                        const timespec* time) {
  return original().pthread_cond_clockwait(condition, mutex, clock, time);
}

}  // namespace reprise::agent::world
