// An arena for tests: made as the recorder makes it, and read back as the recorder reads it.
//
// Small and slow on purpose: every record is copied out. It is no recorder: it does not order the
// records of different threads, name anything or write files.
//
// Threading: one thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/abi/arena.h"
#include "agent/abi/records.h"

namespace reprise::agent::testing {

struct ArenaOptions {
  std::uint32_t flags = 0;
  std::uint32_t processes = 16;
  std::uint32_t threads = 64;
  std::uint32_t segments = 64;
  std::uint32_t segment_bytes = 65536;
  std::uint32_t abi_version = abi::kAbiVersion;
};

struct SeenRecord {
  std::uint32_t thread;   // ThreadSlot
  std::uint32_t process;  // ProcessSlot
  abi::RecordType type;
  std::uint8_t flags;
  std::uint8_t source;
  std::uint64_t enter;
  std::string content;  // body and tail, without padding; of a brief one what it stands for

  // The body, by value.
  template <typename Body>
  [[nodiscard]] Body body() const {
    Body body{};
    content.copy(reinterpret_cast<char*>(&body), sizeof(body));
    return body;
  }
  template <typename Body>
  [[nodiscard]] std::string tail() const {
    return content.substr(sizeof(Body));
  }
};

class TestArena {
 public:
  explicit TestArena(const ArenaOptions& options = {});
  ~TestArena();
  TestArena(const TestArena&) = delete;
  TestArena& operator=(const TestArena&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] abi::ArenaHeader& header() { return abi::arena_header(base_); }
  [[nodiscard]] abi::ProcessSlot& process(std::uint32_t index) {
    return abi::processes(base_)[index];
  }
  [[nodiscard]] abi::ThreadSlot& thread(std::uint32_t index) { return abi::threads(base_)[index]; }

  // Takes over what was committed since the last call, gives sealed segments and the slots of ended
  // threads back, and shows the heartbeat. All records so far, each thread's in its order.
  const std::vector<SeenRecord>& drain();

  // The same without keeping anything: for programs that record without end.
  void discard();

  // Records so far of one type.
  [[nodiscard]] std::vector<SeenRecord> of(abi::RecordType type);
  // Sockets whose close was recorded so far.
  [[nodiscard]] std::vector<abi::Cookie> closed();

 private:
  bool drain_segment(std::uint32_t index);
  void free_ended_threads(const std::vector<std::uint32_t>& ended);
  [[nodiscard]] std::vector<std::uint32_t> ended_threads();
  void free_segment(std::uint32_t index);

  std::string path_;
  std::size_t bytes_ = 0;
  void* base_ = nullptr;
  std::map<std::uint32_t, std::uint32_t> read_;  // segment -> bytes taken over
  std::vector<SeenRecord> records_;
};

// CLOCK_MONOTONIC in ns.
[[nodiscard]] std::uint64_t monotonic_ns();

[[nodiscard]] std::string_view name_of(abi::RecordType type);

}  // namespace reprise::agent::testing
