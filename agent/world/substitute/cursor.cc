#include "agent/world/substitute/cursor.h"

#include <algorithm>

#include "agent/world/substitute/virtual_clock.h"

namespace reprise::agent {
namespace {

// Entries looked through for a clock value that follows. A context that reads no such clock for so
// many inputs is answered from the clock word.
constexpr std::uint32_t kEntriesAhead = 64;

TapeRange part_of(const abi::TapeEntry& entry, Part part) {
  const std::uint32_t io = entry.first_draw + entry.ready_draws;
  return part == Part::kReady ? TapeRange{entry.first_draw, io}
                              : TapeRange{io, io + entry.io_draws};
}

bool has_address(const abi::TapeDraw& draw, const DrawAddress& address) {
  return draw.kind == address.kind && draw.source == address.source &&
         draw.module == address.module;
}

// Index of the first draw of `address` in `range`, or the end of the range.
std::uint32_t find(const Control& tape, TapeRange range, const DrawAddress& address) {
  std::uint32_t index = range.begin;
  while (index < range.end && !has_address(tape.draws()[index], address)) {
    ++index;
  }
  return index;
}

// Index of the first time-out in `range`, or the end of the range.
std::uint32_t find_time_out(const Control& tape, TapeRange range) {
  std::uint32_t index = range.begin;
  while (index < range.end && tape.draws()[index].kind != abi::DrawKind::kTimeOut) {
    ++index;
  }
  return index;
}

}  // namespace

void Cursor::move(const Place& place) {
  place_ = place;
  threads_ = 0;
  time_outs_ = 0;
  stretch_ = {};
  addresses_ = 0;
}

Cursor::Progress* Cursor::progress_of(const DrawAddress& address) {
  for (std::uint32_t i = 0; i < addresses_; ++i) {
    if (progress_[i].address == address) {
      return &progress_[i];
    }
  }
  if (addresses_ == kAddresses) {
    return nullptr;
  }
  progress_[addresses_] = {address, 0, 0};
  return &progress_[addresses_++];
}

TapeRange Cursor::this_stretch(const Control& tape, TapeRange part) {
  if (!stretch_.known) {
    stretch_ = {0, find_time_out(tape, part) - part.begin, true};
  }
  // Behind the last recorded time-out more of them change nothing.
  for (; time_outs_ > 0 && part.begin + stretch_.end < part.end; --time_outs_) {
    stretch_.begin = stretch_.end + 1;
    stretch_.end = find_time_out(tape, {part.begin + stretch_.begin, part.end}) - part.begin;
  }
  time_outs_ = 0;
  return {part.begin + stretch_.begin, part.begin + stretch_.end};
}

Found Cursor::draw(const Control& tape, const DrawAddress& address) {
  Progress* progress = progress_of(address);
  Found found;
  found.ordinal = progress == nullptr ? ~0u : progress->drawn++;
  const abi::TapeEntry* entry = tape.entry(place_.entry);
  if (entry == nullptr) {
    return found;
  }
  if (progress != nullptr) {
    const TapeRange part = part_of(*entry, place_.part);
    TapeRange left = {part.begin + progress->searched, part.end};
    if (address.kind == abi::DrawKind::kClock &&
        is_monotonic(static_cast<abi::ClockSource>(address.source))) {
      const TapeRange stretch = this_stretch(tape, part);
      left = {std::max(left.begin, stretch.begin), stretch.end};
    }
    const std::uint32_t index = find(tape, left, address);
    progress->searched = (index < left.end ? index + 1 : index) - part.begin;
    if (index < left.end) {
      found.how = Found::How::kExact;
      found.draw = &tape.draws()[index];
      return found;
    }
  }
  if (address.kind == abi::DrawKind::kClock) {
    found.draw = following(tape, address);
    found.how = found.draw == nullptr ? Found::How::kNothing : Found::How::kFollows;
  }
  return found;
}

const abi::TapeDraw* Cursor::following(const Control& tape, const DrawAddress& address) const {
  const abi::TapeEntry* entry = tape.entry(place_.entry);
  Part part = place_.part;
  for (std::uint32_t ahead = 0; ahead < kEntriesAhead && entry != nullptr; ++ahead) {
    if (part == Part::kReady) {
      const TapeRange io = part_of(*entry, Part::kIo);
      const std::uint32_t index = find(tape, io, address);
      if (index < io.end) {
        return &tape.draws()[index];
      }
    }
    // The next entry is searched whole: its ready part here, its I/O part in the next round.
    entry = tape.entry(entry->next);
    if (entry != nullptr) {
      const TapeRange ready = part_of(*entry, Part::kReady);
      const std::uint32_t index = find(tape, ready, address);
      if (index < ready.end) {
        return &tape.draws()[index];
      }
    }
    part = Part::kReady;
  }
  return nullptr;
}

}  // namespace reprise::agent
