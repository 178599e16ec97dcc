// The tape: every draw of a recording, laid out by the input it followed, and among them the other
// steps whose moments order what overlapped: sends, connects, lookups.
//
// TapeBuilder moves one cursor per recorded thread by exactly the rules that agent/abi/control.h
// gives for the agent's cursor, and puts each draw where the agent will look for it. Each input
// that moves a cursor gets a TapeEntry; the plan keeps the entry numbers and publishes them as
// marks.
//
// Ownership: the builder is used up by finish(). Thread-compatible.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "agent/abi/control.h"
#include "event/event.h"
#include "replayer/module_keys.h"
#include "replayer/moment.h"

namespace reprise::replayer {

// The monotonic clocks, whose values a schedule may have to raise.
inline constexpr std::size_t kMonotonicClocks = 4;
// Index below kMonotonicClocks of a clock that must never step back, or kMonotonicClocks.
[[nodiscard]] std::size_t monotonic_index(std::uint8_t clock_source);
// A value of each monotonic clock in ns; kNoValue where there is none.
inline constexpr std::int64_t kNoValue = INT64_MIN;
using MonotonicValues = std::array<std::int64_t, kMonotonicClocks>;
inline constexpr MonotonicValues kNoValues = {kNoValue, kNoValue, kNoValue, kNoValue};

// Names a recorded thread, or work that one thread gave to another, by who made it: the place of its maker's cursor, and how many threads
// that had made since it moved there. The first thread of a process image is named by the image.
struct ThreadOrigin {
  std::uint32_t creator_entry = abi::kNone;
  bool creator_ready = false;  // at the entry's ready part
  std::uint32_t created_since = 0;
  std::string image;  // image_name() where creator_entry is kNone, else ""
  friend auto operator<=>(const ThreadOrigin&, const ThreadOrigin&) = default;
};
// "0.2:1": fork path, and how many programs that process executed before.
[[nodiscard]] std::string image_name(const std::string& fork_path, std::uint32_t image);

struct ThreadEntry {
  std::uint32_t entry = abi::kNone;
  event::Context context;
};

struct Tape {
  std::vector<abi::TapeEntry> entries;
  std::vector<abi::TapeDraw> draws;
  std::vector<std::byte> bytes;  // of the random draws
  std::map<ThreadOrigin, ThreadEntry> threads;
  // First recorded value of each monotonic clock in each exchange that read one.
  std::unordered_map<event::ExchangeId, MonotonicValues> first_values;
};

class TapeBuilder {
 public:
  // `internal`: connections with both ends inside the service; they are no anchors.
  // The timeline is borrowed.
  TapeBuilder(const Timeline& timeline, std::unordered_set<event::ConnectionId> internal)
      : timeline_(timeline), internal_(std::move(internal)) {}
  TapeBuilder(const TapeBuilder&) = delete;
  TapeBuilder& operator=(const TapeBuilder&) = delete;

  // Takes the next event of the recording. Returns the entry whose anchor the event is: bytes or
  // the end of a stream read, a connection accepted or established. abi::kNone for every other
  // event and for the later parts of a read.
  std::uint32_t on_event(const event::Event& event);

  // The service closed `connection` without having read that its peer hung up: gives the hang-up an
  // entry of its own, with the draws that followed the report of it.
  std::uint32_t end_without_read(event::ConnectionId connection, const event::Context& context);

  [[nodiscard]] Tape finish();

 private:
  struct Draw {
    abi::TapeDraw draw;
    event::Bytes bytes;
  };
  // A thread; or, with a token, work that was given to one.
  struct ThreadName {
    event::ProcessId process;
    std::uint32_t ordinal = 0;
    std::uint64_t token = 0;
    friend auto operator<=>(const ThreadName&, const ThreadName&) = default;
  };
  struct OpenEntry;
  // Draws between the return of a readiness wait and the next input of that thread; they belong to
  // every connection which the wait reported.
  struct Readiness {
    std::vector<Draw> draws;
    std::vector<ThreadName> threads;  // made meanwhile
    bool open = true;
    std::vector<std::shared_ptr<OpenEntry>> takers;  // wait for it to close
  };
  // An entry that may still get draws.
  struct OpenEntry {
    std::uint32_t number = abi::kNone;
    event::Context context;
    std::vector<std::shared_ptr<Readiness>> readiness;
    std::vector<Draw> io;
    bool io_open = true;
    bool written = false;
  };
  struct Cursor {
    std::shared_ptr<OpenEntry> entry;      // none before the thread started and after a wait
    std::shared_ptr<Readiness> readiness;  // set between a wait and the next input
    std::uint32_t created_since = 0;
    event::ConnectionId continued_read;  // a read whose later parts follow
    bool continued_send = false;         // the same of a send
    // Listeners that the last wait of this thread reported, with the draws after it.
    std::vector<std::pair<event::ConnectionId, std::shared_ptr<Readiness>>> listeners;
  };

  std::uint32_t on_received(const event::Event& event, const event::BytesReceived& received);
  std::uint32_t on_accepted(const event::Event& event, const event::Accepted& accepted);
  std::uint32_t on_connected(const event::Event& event, const event::Connected& connected);
  std::uint32_t on_connect_finished(const event::Event& event,
                                    const event::ConnectFinished& result);
  void on_waited(const event::Event& event, const event::Waited& waited);
  void on_process_started(const event::Event& event, const event::ProcessStarted& started);
  void on_thread_started(const event::Event& event, const event::ThreadStarted& started);
  void on_thread_made(const event::Event& event, const ThreadName& made);
  void on_send(const event::Event& event, const event::SendIntended& sent);
  void on_handed_off(const event::Event& event, const event::HandedOff& hand_off);
  void on_draw(const event::Event& event, Draw draw);

  // Moves the cursor of the event's thread to a new entry and returns its number.
  std::uint32_t move(const event::Event& event, std::vector<std::shared_ptr<Readiness>> readiness);
  std::shared_ptr<OpenEntry> open_entry(const event::Context& context,
                                        std::vector<std::shared_ptr<Readiness>> readiness);
  std::vector<std::shared_ptr<Readiness>> take_reported(event::ConnectionId connection);
  void leave(Cursor& cursor);
  void take_work(const event::Event& event, const ThreadName& work);
  void leave_work(const event::Event& event, std::uint64_t token);
  void leave_outer(event::ThreadId thread);
  void write_when_whole(OpenEntry& entry);
  std::uint32_t write(const OpenEntry& entry, const std::vector<Draw>& draws);

  const Timeline& timeline_;
  const std::unordered_set<event::ConnectionId> internal_;
  Tape tape_;
  ModuleKeys modules_;
  std::unordered_map<event::ThreadId, Cursor> cursors_;
  std::unordered_set<event::ConnectionId> anchors_;     // connections whose input moves cursors
  std::unordered_set<event::ConnectionId> connects_;    // that were begun
  std::unordered_set<event::ConnectionId> connecting_;  // connect said EINPROGRESS
  // Reported ready and not yet read.
  std::unordered_map<event::ConnectionId, std::vector<std::shared_ptr<Readiness>>> reported_;
  std::unordered_map<event::ConnectionId, std::uint32_t> unread_opening_;
  std::map<event::Context, std::uint32_t> last_of_context_;
  std::unordered_map<event::ProcessId, std::string> images_;
  std::vector<std::pair<ThreadName, ThreadOrigin>> origins_;
  std::map<ThreadName, ThreadEntry> starts_;
  std::set<ThreadName> given_;  // and not taken yet, by threads that stood somewhere
  // Where a thread stood when it took work over, by the token of that.
  std::unordered_map<event::ThreadId, std::vector<std::pair<std::uint64_t, Cursor>>> outer_;
};

}  // namespace reprise::replayer
