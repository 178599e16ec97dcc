// Threads made by pthread_create; their ends are seen in agent/thread.cc.
#include <errno.h>
#include <pthread.h>

#include "agent/hooks/hook.h"
#include "agent/original.h"
#include "agent/record.h"
#include "agent/thread.h"
#include "agent/world/world.h"

namespace reprise::agent {

extern "C" int hook_pthread_create(pthread_t* id, const pthread_attr_t* attributes,
                                   void* (*routine)(void*), void* argument)
    REPRISE_HOOK(pthread_create);

namespace {

void* run(void* state) {
  auto& thread = *static_cast<Thread*>(state);
  void* (*const routine)(void*) = thread.routine;
  void* const argument = thread.argument;
  enter_thread(thread);
  return routine(argument);
}

void record_hand_off(Thread& creator, const Thread& created) {
  if (Record<abi::HandOff> record{creator, abi::RecordType::kHandOff, stamp()}) {
    record->token = created.ordinal;
    record->kind = abi::HandOffKind::kThreadCreated;
    record->reserved = 0;
    record.commit();
  }
}

}  // namespace

int hook_pthread_create(pthread_t* id, const pthread_attr_t* attributes, void* (*routine)(void*),
                        void* argument) {
  Thread* creator = this_thread();
  Thread* created = creator == nullptr ? nullptr : claim_thread(creator);
  // Without a slot the thread runs uncounted until its first hook, which finds none either.
  if (created == nullptr) return original().pthread_create(id, attributes, routine, argument);
  created->routine = routine;
  created->argument = argument;
  record_hand_off(*creator, *created);
  world::creating_thread(*creator, *created);
  const int error = original().pthread_create(id, attributes, run, created);
  if (error != 0) release_thread(*created);
  return error;
}

}  // namespace reprise::agent
