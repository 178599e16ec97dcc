// A service as the recorder sees one: processes and threads that write records into a real arena,
// with stamps, addresses and interruptions of a test's choice. Stands in for the agent in unit
// tests. As the agent does, it tells a payload in brief that its segment has already.
//
// Threading: one thread.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "agent/abi/records.h"
#include "recorder/arena.h"

namespace reprise::recorder {

struct NoBody {};

// A socket address of 127.0.0.1.
abi::SocketAddress loopback(std::uint16_t port);

class SyntheticService;

// One thread of it. Every call stamps its record with the service's clock, which then moves on.
class SyntheticThread {
 public:
  // Reserves and fills a record without committing it; commit() does.
  template <typename Body>
  void write(abi::RecordType type, Body body, std::string_view tail = {}, std::uint8_t flags = 0,
             std::uint8_t source = 0) {
    prepare(type, body, tail, flags, source);
    commit();
  }
  template <typename Body>
  void prepare(abi::RecordType type, Body body, std::string_view tail = {}, std::uint8_t flags = 0,
               std::uint8_t source = 0) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&body);
    prepare_bytes(type, {bytes, std::is_empty_v<Body> ? 0 : sizeof body}, tail, flags, source);
  }
  void commit();
  // Between the two.
  abi::RecordHeader& uncommitted() { return *reinterpret_cast<abi::RecordHeader*>(uncommitted_); }

  // Conversations on sockets; offsets are counted by the service.
  void accept(abi::Cookie listener, abi::Cookie socket, std::uint16_t port,
              std::uint16_t peer_port);
  void connect(abi::Cookie socket, std::uint16_t local_port, std::uint16_t port, int error = 0);
  void receive(abi::Cookie socket, std::string_view bytes, int error = 0);
  void receive_at(abi::Cookie socket, std::uint64_t offset, std::string_view bytes);
  void intend(abi::Cookie socket, std::string_view bytes);
  // Result of what was intended last on the socket: `accepted` bytes, or -1 with an errno.
  void finish_send(abi::Cookie socket, std::int64_t accepted, int error = 0);
  void send(abi::Cookie socket, std::string_view bytes);
  void wait(std::vector<abi::Cookie> ready);
  void clock(std::int64_t value_ns);
  // In brief: so much later than the last whole clock read, which is in this segment.
  void clock_later(std::uint32_t later_ns);
  void compact(const abi::Compact& record);
  void close(abi::Cookie socket);
  void gap(std::uint64_t records);

  // Goes on in a new segment.
  void seal();
  void end();  // claim kEnded
  std::uint32_t slot() const { return slot_; }
  std::uint32_t segment() const { return segment_; }
  std::uint64_t position() const { return base_ + offset_; }

 private:
  friend class SyntheticService;
  SyntheticThread(SyntheticService& service, std::uint32_t process, std::uint32_t ordinal,
                  std::uint32_t creator);
  void prepare_bytes(abi::RecordType type, std::span<const std::byte> body, std::string_view tail,
                     std::uint8_t flags, std::uint8_t source);
  void write_payload(abi::RecordType type, std::span<const std::byte> body,
                     std::string_view payload);
  void make_room(std::uint32_t size);
  void open_segment();

  SyntheticService& service_;
  std::uint32_t slot_;
  std::uint32_t process_;
  std::uint32_t segment_ = abi::kNone;
  std::uint32_t offset_ = 0;
  std::uint64_t base_ = 0;
  std::map<std::string, std::uint32_t, std::less<>> payloads_;  // of this segment, and where
  std::uint32_t last_clock_ = 0;                                // in this segment
  std::int64_t last_value_ = 0;                                 // of that clock read
  std::uint32_t last_intent_ = 0, behind_intent_ = 0;
  std::uint64_t intent_stamp_ = 0, intended_ = 0;
  std::byte* uncommitted_ = nullptr;
  std::uint32_t uncommitted_size_ = 0;
};

class SyntheticService {
 public:
  // Makes its arena in a directory of its own.
  explicit SyntheticService(std::uint64_t arena_bytes = 1 << 20);
  ~SyntheticService();
  SyntheticService(const SyntheticService&) = delete;
  SyntheticService& operator=(const SyntheticService&) = delete;

  Arena& arena() { return *arena_; }
  // A process that is registered; its pid is that of nobody. `parent` is a slot.
  std::uint32_t add_process(std::uint32_t parent = abi::kNone, std::uint32_t ordinal = 0);
  // With its ThreadStart written.
  SyntheticThread& add_thread(std::uint32_t process, std::uint32_t ordinal = 0,
                              std::uint32_t creator = abi::kNone);

  // The stamp the next record gets. Small numbers: all in the arena's past.
  std::uint64_t stamp = 1000;
  std::uint64_t tick() { return stamp += 10; }

  struct Offsets {
    std::uint64_t in = 0, out = 0, intended = 0;
  };
  Offsets& offsets(abi::Cookie socket);

 private:
  std::unique_ptr<SessionDirectory> directory_;
  std::unique_ptr<Arena> arena_;
  std::vector<std::unique_ptr<SyntheticThread>> threads_;
  std::vector<std::pair<abi::Cookie, Offsets>> offsets_;
};

}  // namespace reprise::recorder
