// The processes and threads of the service while their records are read: who they are in the
// archive, and for whom a thread works.
//
// Ownership: plain data, owned by the Participants table. Threading: the collector's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "event/event.h"
#include "recorder/drain.h"
#include "recorder/record_view.h"

namespace reprise::recorder {

// For whom a thread works since its last input.
struct Turn {
  enum class Kind : std::uint8_t {
    kNone,        // it waits, or did nothing yet
    kConnection,  // for whoever that accepted connection is busy with
    kContext,     // for `context`
  };
  Kind kind = Kind::kNone;
  event::ConnectionId connection;
  event::Context context;  // kConnection: what it was when last asked
  bool told = false;       // the SDK said so, and says when it ends

  static Turn on(event::ConnectionId connection) {
    return {Kind::kConnection, connection, {}, false};
  }
  static Turn of(event::Context context) { return {Kind::kContext, {}, context, false}; }
};

struct ProcessState {
  event::ProcessId id;
  ProcessIdentity identity;
  bool started = false;    // its ProcessStart was seen
  bool exit_told = false;  // a ProcessExited event was made
  bool orderly = false;    // it ended by exit
  std::int32_t fatal_signal = 0;
  std::uint64_t losses = 0;                             // times that records of its were lost
  std::unordered_map<std::uint64_t, Turn> given;        // by hand-off token
  std::unordered_map<std::uint32_t, Turn> for_threads;  // by ordinal of a thread that was made
  Turn for_child;  // of the thread that forked it, for its first thread
  std::unordered_map<std::uint32_t, Turn> for_children;  // by ordinal of one that was spawned
};

// A send whose result is not known yet.
struct PendingSend {
  event::ConnectionId connection;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  bool continues = false;  // more parts of it are announced
  event::Context context;
  const std::uint8_t* bytes = nullptr;  // in the arena, while `epoch` lasts; of a single part only
  std::uint64_t epoch = 0;
};

// A file range whose send has no result yet: how much of it went out decides what is read back.
struct PendingRange {
  std::uint64_t position = 0;
  event::Stamp enter;
  event::FileRangeSent range;
};

// Records that wait to learn their context; copies, which keep their memory.
class HeldRecords {
 public:
  void add(const RecordView& record, std::uint64_t position) {
    if (record.is_brief()) {
      const std::vector<std::byte> whole = record.written_out();
      add(whole.data(), static_cast<std::uint32_t>(whole.size()), position);
    } else {
      add(record.address(), record.size(), position);
    }
  }
  std::size_t size() const { return places_.size(); }
  bool empty() const { return places_.empty(); }
  void clear() {
    places_.clear();
    bytes_.clear();
  }
  // visit(record, position), oldest first.
  template <typename Visit>
  void each(Visit visit) const {
    for (const Place& place : places_) {
      visit(RecordView(bytes_.data() + place.begin, place.size), place.position);
    }
  }

 private:
  struct Place {
    std::uint64_t position;
    std::size_t begin;
    std::uint32_t size;
  };
  void add(const std::byte* record, std::uint32_t size, std::uint64_t position) {
    places_.push_back({position, bytes_.size(), size});
    bytes_.insert(bytes_.end(), record, record + size);
  }

  std::vector<Place> places_;
  std::vector<std::byte> bytes_;
};

struct ThreadState {
  event::ThreadId id;
  ThreadIdentity identity;
  ProcessState* process = nullptr;
  std::uint64_t last_position = 0;  // of an event that was made
  bool any_event = false;
  event::Stamp last_exit;

  Turn turn;
  event::Context suspended;  // what it worked on when it began to wait, if it may go on with that
  // Kinds of waits (bit 1 << event::Waited::Kind) that bring it its work: they reported an accepted
  // connection or a listener, or answers to more than one exchange. Any other kind is a wait in the
  // middle of its work.
  std::uint8_t loop_waits = 0;
  std::uint8_t wait_within = 0;  // the kind of such a wait, since the last I/O
  // Exchanges it read from since it waited for readiness, and did nothing for.
  std::vector<event::ExchangeId> untouched;
  std::vector<event::ExchangeId> taken;  // those it read from and did not begin to answer
  bool looks_aside = false;   // since its last I/O it turned to a client who had said nothing
  bool served = false;        // it read from or answered on an accepted connection
  bool reads = false;         // it reads from accepted connections: what it works on shows there
  bool inherited = false;     // its turn is that of the thread that made it
  bool interleaves = false;   // it takes up one exchange before it is done with another
  bool defers = false;        // it does later what is to be done for an exchange it took up
  bool takes_unseen = false;  // it answers what others have read: work comes to it unseen
  bool woken = false;         // it was signalled before it read anything: work may have come so

  // After a wait or an accept, until the first I/O.
  bool undecided = false;
  bool reported_all = false;  // the wait had more ready sockets than it could tell
  std::vector<event::ConnectionId> reported;
  HeldRecords held;

  // What it was at before it took work over, and that inside other such work.
  struct Scope {
    std::uint64_t token = 0;
    Turn turn;
    event::Context suspended;
    bool inherited = false;
  };
  std::vector<Scope> scopes;

  std::vector<PendingSend> sends;
  std::vector<PendingRange> ranges;
};

class Participants {
 public:
  // Who has that slot; made when it is new.
  ProcessState& process(const ProcessIdentity& identity);
  ProcessState* process_at(std::uint32_t slot);
  ProcessState* find(event::ProcessId id);
  // Whether one of the service's processes has this number in the system.
  bool has_pid(std::int32_t pid) const;
  // Nothing more comes from it; its slot may be another's.
  void forget(ProcessState& process);

  ThreadState& begin_thread(const ThreadIdentity& identity);
  ThreadState* thread_at(std::uint32_t slot);
  const ThreadState* thread_at(std::uint32_t slot) const;
  void end_thread(std::uint32_t slot);
  void each_thread(const std::function<void(ThreadState&)>& visit);

 private:
  std::map<event::ProcessId, std::unique_ptr<ProcessState>> processes_;
  std::unordered_map<std::uint32_t, event::ProcessId> process_of_slot_;
  std::vector<std::unique_ptr<ThreadState>> threads_;  // by slot
  std::uint64_t last_process_ = 0;
  std::uint64_t last_thread_ = 0;
};

}  // namespace reprise::recorder
