// A thread's place on the tape.
//
// agent/abi/control.h says how a cursor moves and what it finds; this is that paragraph as code. A
// cursor stands at one part of one entry and counts, for each address (kind, source, module), how
// many draws it was asked for since it moved there.
//
// Ownership: plain data, copied when a turn is handed over. Threading: one thread at a time.
#pragma once

#include <cstdint>

#include "agent/abi/control.h"
#include "agent/world/substitute/control.h"

namespace reprise::agent {

enum class Part : std::uint8_t {
  kReady,  // between the return of a readiness wait and the first I/O
  kIo,     // after the I/O
};

struct Place {
  std::uint32_t entry = abi::kNone;  // kNone: no input yet, nothing on the tape
  Part part = Part::kIo;
  std::int64_t monotonic_shift_ns = 0;
  std::uint64_t exchange = 0;  // recorded number, 0 background
};

struct DrawAddress {
  abi::DrawKind kind;
  std::uint8_t source;   // abi::ClockSource or abi::RandomSource
  std::uint32_t module;  // abi::module_key of the caller, 0 the program itself
  friend bool operator==(const DrawAddress&, const DrawAddress&) = default;
};

// What the tape has for one draw.
struct Found {
  enum class How : std::uint8_t {
    kExact,    // at its own place
    kFollows,  // a clock read too many: the draw of equal address that was recorded next
    kNothing,  // past the end of the context, or a random draw too many
  };
  How how = How::kNothing;
  const abi::TapeDraw* draw = nullptr;  // null for kNothing
  std::uint32_t ordinal = 0;            // among draws of this address since the cursor moved
};

// Draws of the tape, by their indices.
struct TapeRange {
  std::uint32_t begin;
  std::uint32_t end;
};

class Cursor {
 public:
  const Place& place() const { return place_; }
  bool on_tape() const { return place_.entry != abi::kNone; }

  // Goes to `place` with all counts at zero.
  void move(const Place& place);

  // The next draw of `address`, which counts as drawn.
  Found draw(const Control& tape, const DrawAddress& address);

  // A readiness wait of this thread has timed out.
  void time_out() { ++time_outs_; }

  // Threads made since the cursor moved here, this one included.
  std::uint32_t count_thread() { return threads_++; }

 private:
  // An address drawn since the last move, and where in the part the search for it goes on.
  struct Progress {
    DrawAddress address;
    std::uint32_t drawn;
    std::uint32_t searched;  // draws of the part that were looked at
  };
  // More addresses than any program showed between two inputs; those beyond are never exact.
  static constexpr std::uint32_t kAddresses = 24;

  // Where it stands among the time-outs of its part, found when it is asked for; offsets.
  struct Stretch {
    std::uint32_t begin = 0;  // behind the last time-out that was passed
    std::uint32_t end = 0;    // the next one, or the end of the part
    bool known = false;
  };

  Progress* progress_of(const DrawAddress& address);
  // What of `part` lies behind as many time-outs as this thread had since it moved here.
  TapeRange this_stretch(const Control& tape, TapeRange part);
  const abi::TapeDraw* following(const Control& tape, const DrawAddress& address) const;

  Place place_;
  std::uint32_t threads_ = 0;
  std::uint32_t time_outs_ = 0;  // not passed on the tape yet
  Stretch stretch_;
  std::uint32_t addresses_ = 0;
  Progress progress_[kAddresses] = {};
};

}  // namespace reprise::agent
