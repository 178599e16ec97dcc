// Asking the replayer (agent/abi/control.h, Mailbox).
//
// The asking thread waits until the answer is there; its activity word says kAsking, which counts
// as running, so time stands still meanwhile. There is no time-out: a replayer that is gone is
// noticed, one that is held by a debugger is waited for.
//
// Threading: the thread's own mailbox; signals are held back while a question is open, so that a
// handler cannot ask in the middle of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

#include "agent/abi/control.h"
#include "agent/system_call.h"
#include "agent/thread.h"
#include "agent/world/substitute/signal_hold.h"

namespace reprise::agent {

// The address of await_replayer()'s word.
[[nodiscard]] bool await_replayer_at(long word, std::uint32_t seen);

// Sleeps until the replayer may have changed `word` from `seen`, or it is time to look again. False
// when nobody is left to change it.
template <typename Word>
[[nodiscard]] bool await_replayer(const std::atomic<Word>& word, Word seen) {
  static_assert(sizeof word == sizeof(std::uint32_t), "a futex");
  return await_replayer_at(address_of(&word), static_cast<std::uint32_t>(seen));
}

// Asks with `request` and copies the answer's first `answer_size` bytes to `answer`. False when
// there is no answer: refused, too short, no mailbox, or the replayer is gone.
[[nodiscard]] bool ask(Thread& thread, abi::Ask what, const void* request,
                       std::uint32_t request_size, void* answer, std::uint32_t answer_size);

template <typename Request, typename Answer>
[[nodiscard]] bool ask(Thread& thread, abi::Ask what, const Request& request, Answer& answer) {
  static_assert(std::is_trivially_copyable_v<Request> && std::is_trivially_copyable_v<Answer>);
  return ask(thread, what, &request, sizeof request, &answer, sizeof answer);
}

// A question whose bodies are written and read in place: request() is at most sizeof payload bytes;
// after put() succeeded, answer() is valid until this is destroyed.
class Question {
 public:
  Question(Thread& thread, abi::Ask what);
  ~Question();
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

  // False when the thread has no mailbox.
  explicit operator bool() const { return mailbox_ != nullptr; }
  std::byte* request() { return mailbox_->payload; }
  [[nodiscard]] bool put(std::uint32_t request_size);
  const std::byte* answer() const { return mailbox_->payload; }
  std::uint32_t answer_size() const { return mailbox_->length; }

 private:
  Thread& thread_;
  abi::Mailbox* mailbox_;
  SignalHold hold_;
};

}  // namespace reprise::agent
