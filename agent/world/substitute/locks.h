// Taking the locks of the service, with what blocks published.
//
// Threading: any thread.
#pragma once

#include <pthread.h>

#include "agent/thread.h"

namespace reprise::agent {

// pthread_mutex_lock and pthread_mutex_unlock.
int lock_mutex(Thread* thread, pthread_mutex_t* mutex);
int unlock_mutex(pthread_mutex_t* mutex);

}  // namespace reprise::agent
