// Draws of a context as two archives compare them.
//
// A draw is known by its kind, its source and the module that made it, not by its place: a changed
// build may read a clock once more, and what follows is still the same. Reads past their place get
// a value of the tape again or one that is made up (they are `relaxed`), so values tell which of
// several equal reads is the added one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "event/event.h"
#include "event/modules.h"

namespace reprise::event {

struct Draw {
  enum class Kind : std::uint8_t { kClock, kRandom };
  Kind kind = Kind::kClock;
  std::uint8_t source = 0;    // abi::ClockSource or abi::RandomSource
  std::string module;         // Modules::name_of; "" is the program itself
  std::int64_t value_ns = 0;  // clocks
  Bytes bytes;                // random sources
  bool relaxed = false;

  bool own() const { return module.empty(); }
  bool same_source(const Draw& other) const {
    return kind == other.kind && source == other.source && module == other.module;
  }
  // "clock realtime", "random getrandom in libcrypto.so".
  std::string name() const;
};

// The draw in `event`, none when it is something else, or failed.
std::optional<Draw> draw_of(const Event& event, const Modules& modules);

// "realtime", "gettimeofday", "getrandom", "clock 99".
std::string source_name(Draw::Kind kind, std::uint8_t source);

// Clocks that count from an arbitrary point, of which only differences mean anything.
bool is_monotonic(std::uint8_t clock_source);
// Clocks that measure what was worked.
bool is_processor_time(std::uint8_t clock_source);

struct DrawDifference {
  enum class Kind : std::uint8_t { kMissing, kExtra };  // in `actual`
  Kind kind = Kind::kMissing;
  std::size_t index = 0;  // in `recorded` when missing, in `actual` when extra
};

// What of `recorded` was not drawn in `actual`, and what was drawn on top, in the order of the
// sequences. Equal sources and values are paired first (monotonic clocks by their distance from the
// first read), then equal sources. Linear for sequences that are alike; those beyond comparison
// are compared by counts alone.
std::vector<DrawDifference> align_draws(std::span<const Draw> recorded,
                                        std::span<const Draw> actual);

}  // namespace reprise::event
