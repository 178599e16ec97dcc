// Condition variables as the C library has them.
#include "agent/original.h"
#include "agent/world/world.h"

namespace reprise::agent::world {

int condition_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  return original().pthread_cond_wait(condition, mutex);
}

}  // namespace reprise::agent::world
