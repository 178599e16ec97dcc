// The C library's functions behind the hooks that only the substitute world has (compare
// agent/original.h), and what of agent/original.h must carry the token here.
//
// Threading: any thread; two that resolve at once store the same addresses.
#pragma once

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include <atomic>

namespace reprise::agent {

// clang-format off
#define REPRISE_SUBSTITUTE_ORIGINALS(X)                                                            \
  X(pthread_mutex_lock) X(pthread_mutex_trylock) X(pthread_mutex_unlock)                           \
  X(pthread_mutex_clocklock)                                                                       \
  X(pthread_rwlock_rdlock) X(pthread_rwlock_tryrdlock) X(pthread_rwlock_clockrdlock)               \
  X(pthread_rwlock_unlock) X(pthread_rwlock_wrlock) X(pthread_rwlock_trywrlock) X(pthread_rwlock_clockwrlock)               \
  X(pthread_barrier_wait)                                                                          \
  X(pthread_join) X(pthread_tryjoin_np) X(pthread_clockjoin_np)                                    \
  X(sem_post) X(sem_wait) X(sem_trywait) X(sem_clockwait)                                                      \
  X(sigwaitinfo) X(sigtimedwait) X(sigsuspend)                                                     \
  X(timer_create) X(timer_settime) X(timer_gettime) X(timer_delete)

#define REPRISE_DECLARE(name) decltype(&::name) name;
// clang-format on

struct SubstituteOriginals {
  REPRISE_SUBSTITUTE_ORIGINALS(REPRISE_DECLARE)
};
#undef REPRISE_DECLARE

[[nodiscard]] const SubstituteOriginals& substitute_originals();

// Puts token_call() behind those of agent/original.h that the leak detector watches: the hooks
// forward to them where the agent stands aside. Start-up only.
void carry_token_in_originals();

}  // namespace reprise::agent
