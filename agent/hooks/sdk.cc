// What the SDK tells the agent (agent/abi/sdk.h): calls, inputs, and whose work a thread takes over.
//
// The words are put together here; what is done with them is the world's. A call's own doings are
// muted: at replay it is not done, and whatever it read, drew or sent would be missed then.
#include <errno.h>
#include <string.h>

#include "agent/hooks/hook.h"
#include "agent/log_line.h"
#include "agent/record.h"
#include "agent/spoken.h"
#include "agent/thread.h"
#include "agent/world/world.h"

namespace reprise::agent {

// The types are the SDK's; a definition has a name of its own, as every hook has.
extern "C" {
decltype(reprise_call_begin) sdk_call_begin REPRISE_HOOK(reprise_call_begin);
decltype(reprise_call_read) sdk_call_read REPRISE_HOOK(reprise_call_read);
decltype(reprise_call_end) sdk_call_end REPRISE_HOOK(reprise_call_end);
decltype(reprise_source_open) sdk_source_open REPRISE_HOOK(reprise_source_open);
decltype(reprise_source_close) sdk_source_close REPRISE_HOOK(reprise_source_close);
decltype(reprise_entry_next) sdk_entry_next REPRISE_HOOK(reprise_entry_next);
decltype(reprise_entry_read) sdk_entry_read REPRISE_HOOK(reprise_entry_read);
decltype(reprise_entry_open) sdk_entry_open REPRISE_HOOK(reprise_entry_open);
decltype(reprise_entry_none) sdk_entry_none REPRISE_HOOK(reprise_entry_none);
decltype(reprise_entry_close) sdk_entry_close REPRISE_HOOK(reprise_entry_close);
decltype(reprise_context_give) sdk_context_give REPRISE_HOOK(reprise_context_give);
decltype(reprise_context_take) sdk_context_take REPRISE_HOOK(reprise_context_take);
decltype(reprise_context_leave) sdk_context_leave REPRISE_HOOK(reprise_context_leave);
}

namespace {

constexpr std::size_t kLongestName = 80;  // fits an address, with its prefix
constexpr char kVersion[] = " REPRISE/1\n";

// A head line, in memory of its own.
class Head {
 public:
  void add(const char* text) {
    while (*text != '\0' && used_ < sizeof(text_)) text_[used_++] = *text++;
  }
  // A name is one word.
  void add_name(const char* name) {
    for (std::size_t i = 0; i < kLongestName && name[i] != '\0'; ++i) {
      const auto c = static_cast<unsigned char>(name[i]);
      text_[used_++] = c > ' ' && c != 0x7f ? name[i] : '_';
    }
  }
  void add(std::uint64_t number) {
    char digits[20];
    std::size_t count = 0;
    do {
      digits[count++] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    while (count > 0) text_[used_++] = digits[--count];
  }
  // With the bytes it counts.
  void put(world::Words& words, const void* bytes, std::size_t length) {
    add(" ");
    add(length);
    add(kVersion);
    words[0] = {text_, used_};
    words[1] = {const_cast<void*>(bytes), length};
  }

 private:
  char text_[160];
  std::size_t used_ = 0;
};

abi::SocketAddress address_of_source(const char* name) {
  Head text;
  text.add(abi::kSpokenPrefix);
  text.add("entry:");
  text.add_name(name);
  world::Words words;
  text.put(words, nullptr, 0);
  const std::size_t tail = strlen(kVersion) + 2;  // " 0" and the version
  return spoken_address(static_cast<const char*>(words[0].iov_base), words[0].iov_len - tail);
}

const char* outcome_word(int threw) { return threw != 0 ? "THREW" : "DONE"; }

void mute(Thread& thread) {
  if (thread.muted++ == 0) thread.open = 0;
}

// The thread of a begin that muted it; this_thread() does not give a muted one.
Thread* unmute() {
  Thread* thread = thread_local_state.current;
  if (thread == nullptr || thread->muted == 0) return nullptr;
  if (--thread->muted == 0) thread->open = 1;
  return this_thread();
}

void record_hand_off(Thread& thread, abi::HandOffKind kind, std::uint64_t token) {
  if (Record<abi::HandOff> record{thread, abi::RecordType::kHandOff, stamp()}) {
    record->token = token;
    record->kind = kind;
    record->reserved = 0;
    record.commit();
  }
}

constinit std::atomic<std::uint64_t> tokens{0};

}  // namespace

int sdk_call_begin(const char* name, const void* arguments, size_t length,
                       reprise_answer* answer) {
  Thread* thread = this_thread();
  if (thread == nullptr) return REPRISE_ASIDE;
  const int error = errno;
  flush_log_line(*thread);
  Head head;
  head.add("CALL ");
  head.add_name(name);
  world::Words words;
  head.put(words, arguments, length);
  const world::Outcome outcome = world::begin_call(*thread, words);
  *answer = outcome.answer;
  if (outcome.verdict == REPRISE_PERFORM) mute(*thread);
  errno = error;
  return outcome.verdict;
}

int sdk_call_read(void* to, size_t length) {
  Thread* thread = this_thread();
  const int error = errno;
  const bool whole = thread != nullptr && world::read_outcome(*thread, to, length);
  errno = error;
  return whole ? 1 : 0;
}

void sdk_call_end(int threw, const void* result, size_t length) {
  Thread* thread = unmute();
  if (thread == nullptr) return;
  const int error = errno;
  Head head;
  head.add(outcome_word(threw));
  world::Words words;
  head.put(words, result, length);
  world::end_call(*thread, words);
  errno = error;
}

uint64_t sdk_source_open(const char* name) {
  Thread* thread = this_thread();
  if (thread == nullptr) return 0;
  const int error = errno;
  const uint64_t source = world::open_source(*thread, address_of_source(name));
  errno = error;
  return source;
}

void sdk_source_close(uint64_t source) {
  Thread* thread = this_thread();
  if (thread == nullptr || source == 0) return;
  const int error = errno;
  world::close_source(*thread, source);
  errno = error;
}

int sdk_entry_next(uint64_t source, uint64_t* entry, reprise_answer* answer) {
  Thread* thread = this_thread();
  if (thread == nullptr || source == 0) return REPRISE_ASIDE;
  const int error = errno;
  flush_log_line(*thread);
  const world::Outcome outcome = world::next_entry(*thread, source, entry);
  *answer = outcome.answer;
  if (outcome.verdict == REPRISE_PERFORM) mute(*thread);
  errno = error;
  return outcome.verdict;
}

int sdk_entry_read(uint64_t entry, void* to, size_t length) {
  Thread* thread = this_thread();
  const int error = errno;
  const bool whole = thread != nullptr && world::read_entry(*thread, entry, to, length);
  errno = error;
  return whole ? 1 : 0;
}

uint64_t sdk_entry_open(uint64_t source, const char* name, const void* payload, size_t length) {
  Thread* thread = unmute();
  if (thread == nullptr) return 0;
  const int error = errno;
  Head head;
  head.add("ENTRY ");
  head.add_name(name);
  world::Words words;
  head.put(words, payload, length);
  const uint64_t entry = world::open_entry(*thread, source, address_of_source(name), &words);
  errno = error;
  return entry;
}

void sdk_entry_none(uint64_t source, const char* name, int ended) {
  Thread* thread = unmute();
  if (thread == nullptr || ended == 0) return;
  const int error = errno;
  (void)world::open_entry(*thread, source, address_of_source(name), nullptr);
  errno = error;
}

void sdk_entry_close(uint64_t entry, int threw, const void* reply, size_t length) {
  Thread* thread = this_thread();
  if (thread == nullptr || entry == 0) return;
  const int error = errno;
  flush_log_line(*thread);
  Head head;
  head.add(outcome_word(threw));
  world::Words words;
  head.put(words, reply, length);
  world::close_entry(*thread, entry, words);
  record_hand_off(*thread, abi::HandOffKind::kDrop, 0);
  errno = error;
}

uint64_t sdk_context_give() {
  Thread* thread = this_thread();
  if (thread == nullptr) return 0;
  const int error = errno;
  const uint64_t token = tokens.fetch_add(1, std::memory_order_relaxed) + 1;
  record_hand_off(*thread, abi::HandOffKind::kGive, token);
  world::turn_given(*thread, token);
  errno = error;
  return token;
}

void sdk_context_take(uint64_t token) {
  Thread* thread = this_thread();
  if (thread == nullptr || token == 0) return;
  const int error = errno;
  flush_log_line(*thread);
  record_hand_off(*thread, abi::HandOffKind::kTake, token);
  world::turn_taken(*thread, token);
  errno = error;
}

void sdk_context_leave(uint64_t token) {
  Thread* thread = this_thread();
  if (thread == nullptr || token == 0) return;
  const int error = errno;
  flush_log_line(*thread);
  record_hand_off(*thread, abi::HandOffKind::kDrop, token);
  world::turn_left(*thread, token);
  errno = error;
}

}  // namespace reprise::agent
