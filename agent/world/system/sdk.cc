// A recording: what the SDK says is written down as a conversation on connections of its own, which
// exist in the recording only. A source is a listener, an input a connection that it accepted; the
// calls of a thread go over one connection, which the thread opened.
#include "agent/connection.h"
#include "agent/process.h"
#include "agent/record.h"
#include "agent/spoken.h"
#include "agent/start_file.h"
#include "agent/world/world.h"

namespace reprise::agent::world {
namespace {

constinit std::atomic<std::uint64_t> cookies{0};

// Of no other connection of the session: the slot of a process is its own while it lives, and an
// image that it executes is another one.
abi::Cookie new_cookie() {
  const std::uint64_t number = cookies.fetch_add(1, std::memory_order_relaxed) + 1;
  const Process& own = process();
  const std::uint64_t image =
      own.slot == nullptr ? 0 : own.slot->image.load(std::memory_order_relaxed);
  return abi::kSpokenCookie | std::uint64_t{own.index & 0x7fffu} << 48 | (image & 0xff) << 40 |
         (number & 0xff'ffff'ffffu);
}

// A connection as the recording of bytes knows it.
struct SpokenSocket : Socket {
  explicit SpokenSocket(abi::Cookie name, std::uint64_t in = 0, std::uint64_t out = 0) : Socket{} {
    cookie.store(name, std::memory_order_relaxed);
    in_offset.store(in, std::memory_order_relaxed);
    out_offset.store(out, std::memory_order_relaxed);
    type = SOCK_STREAM;
  }
};

std::size_t length_of(const Words& words) { return words[0].iov_len + words[1].iov_len; }

void record_received(Thread& thread, Socket& socket, const Words& words) {
  const std::size_t length = length_of(words);
  Gather gather(words, 2);
  Receiving(thread, socket, length + 1).finish(static_cast<ssize_t>(length), 0, gather);
}

void record_sent(Thread& thread, Socket& socket, const Words& words) {
  const std::size_t length = length_of(words);
  Gather gather(words, 2);
  Sending(thread, socket, -1, gather, length, 0).finish(static_cast<ssize_t>(length), 0);
}

void record_closed(Thread& thread, abi::Cookie cookie) {
  if (Record<abi::Close> record{thread, abi::RecordType::kClose, stamp()}) {
    record->socket = cookie;
    record->unread = 0;
    record.commit();
  }
}

void open_voice(Thread& thread) {
  thread.voice = {new_cookie(), 0, 0};
  const std::uint64_t enter = stamp();
  if (Record<abi::Connect> record{thread, abi::RecordType::kConnect, enter}) {
    record->exit = stamp();
    record->socket = thread.voice.name;
    record->error = 0;
    record->type = SOCK_STREAM;
    record->peer = address_of_calls();
    record->local = {};
    record.commit();
  }
}

// Does `record` with the connection of this thread's calls.
template <typename Function>
void on_voice(Thread& thread, Function function) {
  if (thread.voice.name == 0) open_voice(thread);
  SpokenSocket socket(thread.voice.name, thread.voice.in_offset, thread.voice.out_offset);
  function(socket);
  thread.voice.in_offset = socket.in_offset.load(std::memory_order_relaxed);
  thread.voice.out_offset = socket.out_offset.load(std::memory_order_relaxed);
}

}  // namespace

Outcome begin_call(Thread& thread, const Words& words) {
  on_voice(thread, [&](Socket& socket) { record_sent(thread, socket, words); });
  return {REPRISE_PERFORM};
}

bool read_outcome(Thread&, void*, std::size_t) { return false; }

void end_call(Thread& thread, const Words& words) {
  on_voice(thread, [&](Socket& socket) { record_received(thread, socket, words); });
}

void thread_ending(Thread& thread) {
  if (thread.voice.name != 0) record_closed(thread, thread.voice.name);
  thread.voice = {};
}

std::uint64_t open_source(Thread& thread, const abi::SocketAddress& address) {
  const abi::Cookie source = new_cookie();
  if (Record<abi::Listen> record{thread, abi::RecordType::kListen, stamp()}) {
    record->socket = source;
    record->backlog = 0;
    record->error = 0;
    record->local = address;
    record.commit();
  }
  return source;
}

void close_source(Thread& thread, std::uint64_t source) { record_closed(thread, source); }

Outcome next_entry(Thread&, std::uint64_t, std::uint64_t*) { return {REPRISE_PERFORM}; }

bool read_entry(Thread&, std::uint64_t, void*, std::size_t) { return false; }

std::uint64_t open_entry(Thread& thread, std::uint64_t source, const abi::SocketAddress& address,
                         const Words* words) {
  const abi::Cookie entry = new_cookie();
  const std::uint64_t enter = stamp();
  if (Record<abi::Accept> record{thread, abi::RecordType::kAccept, enter}) {
    record->exit = stamp();
    record->listener = source;
    record->socket = entry;
    record->error = 0;
    record->nonblocking = 0;
    record->recorded = 0;
    record->local = address;
    record->peer = {};
    record.commit();
  }
  end_start();
  SpokenSocket socket(entry);
  if (words != nullptr) {
    record_received(thread, socket, *words);
    return entry;
  }
  Gather nothing(&socket, 0);
  Receiving(thread, socket, 1).finish(0, 0, nothing);
  record_closed(thread, entry);
  return 0;
}

void close_entry(Thread& thread, std::uint64_t entry, const Words& words) {
  SpokenSocket socket(entry);
  record_sent(thread, socket, words);
  record_closed(thread, entry);
}

void turn_given(Thread&, std::uint64_t) {}
void turn_taken(Thread&, std::uint64_t) {}
void turn_left(Thread&, std::uint64_t) {}

}  // namespace reprise::agent::world
