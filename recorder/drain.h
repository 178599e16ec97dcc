// Reads the committed records of all threads, in the order of their stamps, and gives segments back
// once what was read is safe.
//
// Order. A pass takes a stamp first and looks at the threads after it. Whatever happened before a
// record that is not later than that stamp was committed before it, so it is seen in the same pass:
// handing on the records up to the stamp, smallest first, keeps cause before effect without waiting
// for a time to pass. Later records stay for the next pass.
//
// Giving back. Records stay in the arena until settle() says that everything handed on so far is in
// the archive file. Until then a killed recorder loses nothing: a recovery reads them again.
//
// Losses that the agent counted (a full arena), torn records of threads that died and damage are
// reported to the consumer, each once.
//
// Ownership: borrows arena, watch and consumer. Threading: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "recorder/arena.h"
#include "recorder/process_watch.h"
#include "recorder/record_view.h"
#include "recorder/thread_stream.h"

namespace reprise::recorder {

// Who writes into a thread slot.
struct ThreadIdentity {
  std::uint32_t slot = abi::kNone;
  std::uint32_t ordinal = 0;           // creation ordinal in its process
  std::uint32_t creator = abi::kNone;  // ordinal of the thread that made it
  std::int32_t tid = 0;
  ProcessIdentity process;
};

class RecordConsumer {
 public:
  virtual ~RecordConsumer() = default;
  // A thread appeared. Returns the position from which its records are wanted: 0, or what lies
  // behind the records that an earlier recorder already wrote.
  virtual std::uint64_t on_thread(const ThreadIdentity& thread) = 0;
  // Records of one thread with which it is its turn, at least one. Valid until settle().
  virtual void on_run(const RecordRun& run) = 0;
  // `slot` is abi::kNone for losses no thread could count.
  virtual void on_loss(std::uint32_t slot, const StreamLoss& loss) = 0;
  // Nothing more will come from it.
  virtual void on_thread_gone(std::uint32_t slot) = 0;
  // A process is gone and all its records were handed on.
  virtual void on_process_gone(std::uint32_t slot) = 0;
};

class Drain {
 public:
  static constexpr std::uint64_t kEverything = ~std::uint64_t{0};

  enum class Mode {
    kRecord,   // gives segments and slots back
    kRecover,  // changes nothing in the arena
  };

  Drain(Arena& arena, ProcessWatch& watch, RecordConsumer& consumer, Mode mode);

  // One pass: hands on what was committed before it began, oldest first, and stops behind `most`
  // bytes. Returns the bytes handed on.
  std::uint64_t pass(std::uint64_t most = kEverything);
  // The recording is over: passes until nothing is left, tells every loss, ends every thread and,
  // when the service is `gone`, every process.
  void finish(bool gone);
  // Everything handed on so far is in the file.
  void settle();

  // Notices deaths that nobody announced; a few times a second.
  void sweep();
  // Tells lossless agents and the replayer that a recorder lives.
  void beat();

  // Bytes handed on since settle().
  std::uint64_t unsettled_bytes() const { return unsettled_; }
  // Share of the segments that are not free, 0 to 1.
  double fill() const;

 private:
  struct Slot {
    bool active = false;   // belongs to a thread that was announced
    bool ending = false;   // seen ended; to be closed in the next pass that finds nothing
    bool gone = false;     // closed and told; waits for settle()
    bool touched = false;  // read since settle()
    std::uint64_t wanted = 0;
    std::uint64_t told_dropped = 0;  // records in its Gap records
    std::uint64_t told_bytes = 0;
    std::uint64_t swept_position = 0;
    ThreadIdentity identity;
    ThreadStream stream;
  };
  struct Next {
    std::uint64_t key;
    std::uint32_t slot;
  };

  std::uint64_t pass_until(std::uint64_t until, std::uint64_t most);
  void discover();
  void adopt(std::uint32_t segment);
  void announce(std::uint32_t slot);
  void note_ends();
  void merge(std::uint64_t until);
  std::optional<std::uint64_t> run(std::uint32_t slot, std::uint64_t until,
                                   const Believed& believed);
  void hand_on(Slot& slot, const RecordRun& run);
  void tell_loss(Slot& slot);
  static void count_told(Slot& slot, const RecordRun& run);
  void end_thread(Slot& slot);
  void settle_thread(Slot& slot);
  void give_back(const ThreadStream::Segment& segment, bool whole);
  void free_thread(std::uint32_t slot);
  void look_at_slots(std::uint32_t count);
  bool has_threads(std::uint32_t process, bool gone_too) const;
  void tell_processes();
  void release_processes();
  void tell_uncounted();

  Arena& arena_;
  ProcessWatch& watch_;
  RecordConsumer& consumer_;
  const Mode mode_;
  const std::uint64_t slack_;          // ticks a stamp may lie in the future
  std::vector<Slot> slots_;            // by ThreadSlot
  std::vector<std::uint32_t> active_;  // slots with active set
  std::vector<bool> adopted_;          // by segment
  std::vector<bool> told_processes_;   // by ProcessSlot: gone and told
  std::vector<Next> heap_;
  bool finishing_ = false;       // nothing of what threads write from now on is wanted
  std::uint32_t next_look_ = 0;  // slot where the next sweep goes on
  std::uint64_t passed_ = 0;     // bytes in this pass
  std::uint64_t most_ = 0;       // of them
  std::uint64_t unsettled_ = 0;
};

}  // namespace reprise::recorder
