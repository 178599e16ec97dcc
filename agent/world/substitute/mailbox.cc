#include "agent/world/substitute/mailbox.h"

#include <errno.h>
#include <linux/futex.h>

#include <cstring>

#include "agent/arena_mapping.h"
#include "agent/doorbell.h"
#include "agent/system_call.h"
#include "agent/world/substitute/control.h"
#include "agent/world/substitute/turn.h"
#include "agent/world/substitute/wait.h"

namespace reprise::agent {
namespace {

// How long a thread sleeps before it looks whether anybody is left to wake it.
constexpr timespec kLookAround = {0, 100'000'000};

}  // namespace

bool await_replayer_at(long word, std::uint32_t seen) {
  const auto pid = static_cast<long>(arena().header->recorder_pid);
  if (pid != 0 && system_call(SYS_kill, pid, 0) == -ESRCH) return false;
  system_call(SYS_futex, word, FUTEX_WAIT, seen, address_of(&kLookAround));
  return true;
}

Question::Question(Thread& thread, abi::Ask what)
    : thread_(thread), mailbox_(control().attached() ? control().mailbox(thread.index) : nullptr) {
  if (mailbox_ != nullptr) mailbox_->ask = what;
}

Question::~Question() {
  if (mailbox_ != nullptr) mailbox_->state.store(abi::MailState::kIdle, std::memory_order_release);
}

bool Question::put(std::uint32_t request_size) {
  yield_horizon();
  const Wait asking(&thread_, abi::Activity::kAsking, abi::kNoDeadline,
                    static_cast<std::uint64_t>(mailbox_->ask));
  mailbox_->length = request_size;
  mailbox_->state.store(abi::MailState::kAsked, std::memory_order_seq_cst);
  ring_doorbell();
  for (;;) {
    const abi::MailState state = mailbox_->state.load(std::memory_order_acquire);
    if (state == abi::MailState::kAnswered) return true;
    if (state == abi::MailState::kRefused) return false;
    if (!await_replayer(mailbox_->state, abi::MailState::kAsked)) return false;
  }
}

bool ask(Thread& thread, abi::Ask what, const void* request, std::uint32_t request_size,
         void* answer, std::uint32_t answer_size) {
  Question question(thread, what);
  if (!question) return false;
  std::memcpy(question.request(), request, request_size);
  if (!question.put(request_size) || question.answer_size() < answer_size) return false;
  std::memcpy(answer, question.answer(), answer_size);
  return true;
}

}  // namespace reprise::agent
