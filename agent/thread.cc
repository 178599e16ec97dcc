#include "agent/thread.h"

#include <pthread.h>
#include <string.h>

#include "agent/doorbell.h"
#include "agent/lifecycle.h"
#include "agent/log_line.h"
#include "agent/process.h"
#include "agent/record.h"
#include "agent/segment.h"
#include "agent/system_call.h"
#include "agent/world/world.h"

namespace reprise::agent {

constinit thread_local ThreadLocal thread_local_state{};
constinit std::atomic<Liveness> agent_liveness = Liveness::kUnknown;

namespace {

// What a thread that left points at, so that its slot may serve another one.
constinit Thread left_thread{};

// Ends threads however they end: return, pthread_exit, cancellation. glibc keeps the values of the
// first 32 keys inside the thread's descriptor; beyond, setting one would allocate.
constexpr pthread_key_t kKeysInline = 32;
constinit pthread_key_t end_key = kKeysInline;

// Destructors of other keys may still call hooks, so the end is put off to the last round.
void end_by_key(void* value) {
  auto* thread = static_cast<Thread*>(value);
  if (++thread->end_rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
    pthread_setspecific(end_key, thread);
    return;
  }
  leave_thread(*thread);
}

std::uint32_t claim_thread_slot() {
  const std::uint32_t count = arena().header->thread_count;
  std::uint32_t hint = process().next_hint;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t index = (hint + i) % count;
    auto expected = abi::ThreadClaim::kFree;
    if (arena().threads[index].claim.load(std::memory_order_relaxed) != expected) continue;
    if (arena().threads[index].claim.compare_exchange_strong(expected, abi::ThreadClaim::kClaimed,
                                                             std::memory_order_acquire)) {
      process().next_hint = index + 1;
      return index;
    }
  }
  return abi::kNone;
}

void fill_thread_slot(abi::ThreadSlot& slot, std::uint32_t ordinal, std::uint32_t creator) {
  slot.process = process().index;
  slot.ordinal = ordinal;
  slot.tid = 0;
  slot.creator = creator;
  slot.segment.store(abi::kNone, std::memory_order_relaxed);
  slot.stream_position = 0;
  slot.activity.store(0, std::memory_order_relaxed);
  slot.deadline_ns.store(abi::kNoDeadline, std::memory_order_relaxed);
  slot.wait_object.store(0, std::memory_order_relaxed);
  slot.dropped_records.store(0, std::memory_order_relaxed);
  slot.dropped_bytes.store(0, std::memory_order_relaxed);
}

// Joins a thread that no hook announced: the main thread, or one that was made by other means than
// pthread_create, or before the agent was live.
Thread* join_unannounced() {
  const auto tid = static_cast<std::int32_t>(system_call(SYS_gettid));
  if (tid != process().pid) {
    arena().header->raw_clones.fetch_add(1, std::memory_order_relaxed);
  }
  Thread* thread = claim_thread(nullptr);
  if (thread == nullptr) thread = &thread_at(abi::kNone);
  enter_thread(*thread);
  return thread;
}

// The child of a fork, seen by or hidden from the hook.
Thread* join_forked_child() {
  const std::uint32_t claimed = thread_local_state.child_slot;
  thread_local_state.child_slot = 0;
  register_child(claimed);
  return thread_local_state.current;
}

Thread* join_slowly() {
  if (agent_liveness.load(std::memory_order_acquire) != Liveness::kLive && !start_agent()) {
    return nullptr;
  }
  ThreadLocal& local = thread_local_state;
  if (process().pid == 0) return join_forked_child();
  if (local.parked != nullptr) {
    // Between vfork and its return, memory is the parent's and the process is the child.
    if (static_cast<std::int32_t>(system_call(SYS_getpid)) != process().pid) return nullptr;
    local.current = local.parked;
    local.parked = nullptr;
  }
  if (local.current == nullptr) return join_unannounced();
  return local.current->open != 0 ? local.current : nullptr;
}

}  // namespace

bool prepare_thread_ends() {
  return pthread_key_create(&end_key, end_by_key) == 0 && end_key < kKeysInline;
}

Thread* join_thread() {
  if (agent_liveness.load(std::memory_order_relaxed) == Liveness::kAside) return nullptr;
  if (thread_local_state.joining != 0) return nullptr;
  thread_local_state.joining = 1;
  Thread* thread = join_slowly();
  thread_local_state.joining = 0;
  return thread;
}

Thread* claim_thread(const Thread* creator) {
  if (process().slot == nullptr) return nullptr;
  const std::uint32_t index = claim_thread_slot();
  if (index == abi::kNone) return nullptr;
  Thread& thread = thread_at(index);
  memset(static_cast<void*>(&thread), 0, sizeof(thread));
  thread.slot = &arena().threads[index];
  thread.index = index;
  thread.ordinal = process().slot->threads.fetch_add(1, std::memory_order_relaxed);
  thread.creator = creator != nullptr ? creator->ordinal : abi::kNone;
  fill_thread_slot(*thread.slot, thread.ordinal, thread.creator);
  return &thread;
}

void release_thread(Thread& thread) {
  thread.slot->claim.store(abi::ThreadClaim::kFree, std::memory_order_release);
}

void enter_thread(Thread& thread) {
  thread_local_state.current = &thread;
  thread.open = 1;
  if (thread.slot == nullptr) return;
  const long number = system_call(SYS_gettid);
  const auto tid = failed(number) ? 0 : static_cast<std::int32_t>(number);
  thread.slot->tid = tid;
  thread.slot->claim.store(abi::ThreadClaim::kLive, std::memory_order_release);
  if (end_key < kKeysInline) pthread_setspecific(end_key, &thread);
  if (Record<abi::ThreadStart> record{thread, abi::RecordType::kThreadStart, stamp()}) {
    record->ordinal = thread.ordinal;
    record->creator = thread.creator;
    record->tid = tid;
    record->reserved = 0;
    record.commit();
  }
  world::thread_started(thread);
}

void leave_thread(Thread& thread) {
  if (thread.slot == nullptr || thread.ended != 0) return;
  world::thread_ending(thread);
  flush_log_line(thread);
  if (Record<NoBody> record{thread, abi::RecordType::kThreadEnd, stamp()}) record.commit();
  thread.open = 0;
  thread.ended = 1;
  if (thread.limit != 0) seal_segment(thread);
  thread_local_state.current = &left_thread;
  publish_activity(*thread.slot, abi::Activity::kEnded);
  thread.slot->claim.store(abi::ThreadClaim::kEnded, std::memory_order_release);
  if ((arena().header->flags & abi::kReplay) != 0) ring_doorbell();
}

void publish_activity(abi::ThreadSlot& slot, abi::Activity activity) {
  const std::uint64_t transitions = slot.activity.load(std::memory_order_relaxed) >> 8;
  slot.activity.store((transitions + 1) << 8 | static_cast<std::uint64_t>(activity),
                      std::memory_order_seq_cst);
}

Waiting::Waiting(Thread* thread, abi::Activity activity, std::uint64_t deadline_ns,
                 std::uint64_t object)
    : slot_(thread != nullptr ? thread->slot : nullptr) {
  if (slot_ == nullptr) return;
  slot_->deadline_ns.store(deadline_ns, std::memory_order_relaxed);
  slot_->wait_object.store(object, std::memory_order_relaxed);
  publish_activity(*slot_, activity);
  ring_doorbell();
}

Waiting::~Waiting() {
  if (slot_ == nullptr) return;
  publish_activity(*slot_, abi::Activity::kRunning);
  slot_->deadline_ns.store(abi::kNoDeadline, std::memory_order_relaxed);
}

}  // namespace reprise::agent
