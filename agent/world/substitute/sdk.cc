// A replay: what a recording has as the conversations of the SDK are real ones here, by the hooks of
// any socket. A source listens, the replayer connects to it with each recorded input; the calls of a
// thread go to the replayer over one connection. So inputs are released, answers found and waits
// seen as those of all other traffic.
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "agent/hooks/descriptor_life.h"
#include "agent/hooks/socket.h"
#include "agent/hooks/stream_io.h"
#include "agent/spoken.h"
#include "agent/system_call.h"
#include "agent/world/substitute/control.h"
#include "agent/world/substitute/hooks.h"
#include "agent/world/substitute/loopback.h"
#include "agent/world/substitute/sdk.h"
#include "agent/world/substitute/socket_state.h"
#include "agent/world/substitute/thread_state.h"
#include "agent/world/world.h"

namespace reprise::agent {
namespace world {
namespace {

// A descriptor as the name of a voice, a source or an entry, none of which is 0.
std::uint64_t name_of(int fd) { return static_cast<std::uint64_t>(fd) + 1; }
int descriptor_of(std::uint64_t name) { return static_cast<int>(name - 1); }

int open_socket() {
  const int fd = hook_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return fd;
  const int at_once = 1;
  system_call(SYS_setsockopt, fd, IPPROTO_TCP, TCP_NODELAY, address_of(&at_once), sizeof at_once);
  return fd;
}

// --- Words ---------------------------------------------------------------------------------------

bool say(int fd, const Words& words) {
  const std::size_t length = words[0].iov_len + words[1].iov_len;
  ssize_t sent = -1;
  do {
    sent = hook_writev(fd, words, 2);
  } while (sent < 0 && errno == EINTR);
  return sent >= 0 && static_cast<std::size_t>(sent) == length;
}

bool hear(int fd, void* to, std::size_t length) {
  auto* at = static_cast<char*>(to);
  while (length > 0) {
    const ssize_t got = hook_read(fd, at, length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    length -= static_cast<std::size_t>(got);
  }
  return true;
}

// The line that a message begins with, without its end; and no more, so that what follows can be
// read to where it belongs.
class Line {
 public:
  // False at the end of the stream, and when there is no line.
  bool hear_from(int fd) {
    for (;;) {
      const ssize_t seen = hook_recv(fd, text_ + used_, sizeof text_ - used_, MSG_PEEK);
      if (seen < 0 && errno == EINTR) continue;
      if (seen <= 0) return false;
      const void* end = memchr(text_ + used_, '\n', static_cast<std::size_t>(seen));
      const std::size_t taken = end == nullptr ? static_cast<std::size_t>(seen)
                                               : static_cast<std::size_t>(
                                                     static_cast<const char*>(end) - text_) +
                                                     1 - used_;
      if (!hear(fd, text_ + used_, taken)) return false;
      used_ += taken;
      if (end != nullptr) return true;
      if (used_ == sizeof text_) return false;
    }
  }

  bool begins_with(const char* word) const {
    const std::size_t length = strlen(word);
    return used_ > length && memcmp(text_, word, length) == 0 && text_[length] == ' ';
  }

  // The number that stands before the version, the last word.
  std::uint64_t length() const {
    std::size_t at = used_;
    while (at > 0 && text_[at - 1] != ' ') --at;
    if (at < 2) return 0;
    std::uint64_t number = 0, place = 1;
    for (at -= 2; text_[at] >= '0' && text_[at] <= '9'; --at, place *= 10) {
      number += static_cast<std::uint64_t>(text_[at] - '0') * place;
      if (at == 0) break;
    }
    return number;
  }

 private:
  char text_[256];
  std::size_t used_ = 0;
};

}  // namespace
}  // namespace world

void end_sdk_calls(Thread& thread) {
  if (thread.voice.name != 0) hook_close(world::descriptor_of(thread.voice.name));
  thread.voice = {};
}

namespace world {
namespace {

// --- Calls ---------------------------------------------------------------------------------------

bool open_voice(Thread& thread) {
  if (thread.voice.name != 0) return true;
  const int fd = open_socket();
  if (fd < 0) return false;
  sockaddr_in any = {};
  any.sin_family = AF_INET;
  const abi::SocketAddress peer = address_of_calls();
  const auto* address = reinterpret_cast<const sockaddr*>(peer.bytes);
  if (hook_bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0 ||
      hook_connect(fd, address, peer.length) != 0) {
    hook_close(fd);
    return false;
  }
  thread.voice.name = name_of(fd);
  return true;
}

Outcome outcome_of(const Line& line) {
  if (line.begins_with("PERFORM")) return {REPRISE_PERFORM};
  if (line.begins_with("MISSED")) return {REPRISE_MISSED};
  return {REPRISE_ANSWERED, {line.length(), line.begins_with("THREW") ? 1u : 0u, 0}};
}

}  // namespace

Outcome begin_call(Thread& thread, const Words& words) {
  if (!control().attached()) return {REPRISE_ASIDE};
  if (open_voice(thread)) {
    Line line;
    const int fd = descriptor_of(thread.voice.name);
    if (say(fd, words) && line.hear_from(fd)) return outcome_of(line);
  }
  // The replayer ends the conversation when it has nothing to give.
  end_sdk_calls(thread);
  return {REPRISE_MISSED};
}

bool read_outcome(Thread& thread, void* to, std::size_t length) {
  return thread.voice.name != 0 && hear(descriptor_of(thread.voice.name), to, length);
}

// What a performed call returned is nobody's business here: nothing of it was asked for.
void end_call(Thread&, const Words&) {}

// --- Entries -------------------------------------------------------------------------------------

std::uint64_t open_source(Thread&, const abi::SocketAddress& address) {
  if (!control().attached()) return 0;
  const int fd = open_socket();
  if (fd < 0) return 0;
  SocketState* state = agent::state_of(descriptors().socket(fd));
  sockaddr_in any = {};
  any.sin_family = AF_INET;
  constexpr int kBacklog = 1024;
  if (state != nullptr &&
      hook_bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0) {
    state->asked = address;
    state->told_local = address;
    if (hook_listen(fd, kBacklog) == 0) return name_of(fd);
  }
  hook_close(fd);
  return 0;
}

void close_source(Thread&, std::uint64_t source) { hook_close(descriptor_of(source)); }

Outcome next_entry(Thread&, std::uint64_t source, std::uint64_t* entry) {
  int fd = -1;
  do {
    fd = hook_accept4(descriptor_of(source), nullptr, nullptr, SOCK_CLOEXEC);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return {REPRISE_ENDED};
  Line line;
  if (!line.hear_from(fd)) {
    char nothing;
    (void)hook_read(fd, &nothing, 1);  // reads, and so records, that there is nothing
    hook_close(fd);
    return {REPRISE_ENDED};
  }
  *entry = name_of(fd);
  return {REPRISE_ANSWERED, {line.length(), 0, 0}};
}

bool read_entry(Thread&, std::uint64_t entry, void* to, std::size_t length) {
  return hear(descriptor_of(entry), to, length);
}

std::uint64_t open_entry(Thread&, std::uint64_t, const abi::SocketAddress&, const Words*) {
  return 0;
}

void close_entry(Thread&, std::uint64_t entry, const Words& words) {
  (void)say(descriptor_of(entry), words);
  hook_close(descriptor_of(entry));
}

// --- Turns ---------------------------------------------------------------------------------------

namespace {

// Where on the tape the work goes on that was given under a token: as with a thread that is made,
// it is named by the giver's place and how many were given or made there before. Tokens count up,
// so only those are lost that so many later ones followed.
struct Given {
  std::atomic<std::uint64_t> token;
  ThreadOrigin origin;
};
constexpr std::size_t kGiven = 4096;
constinit Given given[kGiven] = {};

}  // namespace

void turn_given(Thread& thread, std::uint64_t token) {
  if (!control().attached()) return;
  Given& place = given[token % kGiven];
  place.token.store(0, std::memory_order_relaxed);
  place.origin = origin_of_next(agent::state_of(thread));
  place.token.store(token, std::memory_order_release);
}

void turn_taken(Thread& thread, std::uint64_t token) {
  if (!control().attached()) return;
  Given& place = given[token % kGiven];
  std::uint64_t expected = token;
  const ThreadOrigin origin = place.origin;
  if (!place.token.compare_exchange_strong(expected, 0, std::memory_order_acq_rel)) return;
  if (origin.creator_entry == abi::kNone) return;  // who gave it stood nowhere
  ThreadState* state = agent::state_of(thread);
  if (state == nullptr || state->scopes == abi::kScopes) return;
  state->outer[state->scopes++] = {token, state->cursor};
  place_by_origin(thread, *state, origin);
}

void turn_left(Thread& thread, std::uint64_t token) {
  ThreadState* state = control().attached() ? raw_state_of(thread) : nullptr;
  if (state == nullptr || state->scopes == 0 || state->outer[state->scopes - 1].token != token) {
    return;
  }
  const Cursor& before = state->outer[--state->scopes].cursor;
  if (before.place().exchange != state->cursor.place().exchange) state->last_clock.fill(kNoValue);
  state->cursor = before;
}

}  // namespace world
}  // namespace reprise::agent
