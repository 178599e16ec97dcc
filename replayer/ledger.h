// What a replay can say about its own truthfulness: how each answer was found, what differed from
// the recording, what escaped the hooks.
//
// The ledger only collects; ledger_report.h renders it. Threading: one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "event/event.h"
#include "replayer/determinism.h"
#include "replayer/match.h"
#include "replayer/moment.h"
#include "replayer/performance.h"
#include "replayer/start_files.h"

namespace reprise::replayer {

// What a run tolerates: the worst fidelity that is still within policy.
enum class Policy : std::uint8_t { kExact, kRelaxed, kSubstituted };
// What happens to a call nobody recorded.
enum class OnMiss : std::uint8_t {
  kError,        // its connection is reset
  kFail,         // the replay stops
  kPassthrough,  // it goes to the real peer
};

// One thing that the replayed service did otherwise than the recorded one.
struct Divergence {
  enum class Kind : std::uint8_t {
    kResponse,       // another answer to the client
    kNoResponse,     // none, or not all of it
    kExtraResponse,  // one where the recording has none
    kExtraCall,
    kMissingCall,
    kChangedCall,
    kExtraConnect,  // to a peer the recorded service never went to
    kExtraLookup,
    kExtraDraw,  // the program's own code read a wall clock or random source once more
    kMissingDraw,
    kListen,
    kExit,
  };
  event::ExchangeId exchange;  // recorded number; none: outside of exchanges
  Kind kind = Kind::kResponse;
  std::string expected, actual;
};
[[nodiscard]] const char* divergence_name(Divergence::Kind kind);  // "missing call"

struct Coverage {
  std::uint64_t hooked = 0;                    // calls that came through a hook
  std::uint64_t leaked = 0;                    // system calls that did not
  std::map<std::string, std::uint64_t> leaks;  // "getrandom in libfoo.so.1" -> how often
  bool watched = false;                        // false: this system does not let us look for leaks
};

class Ledger {
 public:
  // What the service was given last.
  struct LastAnswer {
    const RecordedCall* call = nullptr;
    Fidelity fidelity = Fidelity::kMissed;
  };

  // --- Answers ---
  // A call was answered, or missed. `context` is that of the recording.
  void answered(const CallRequest& request, const CallMatch& match, const std::string& peer);
  // Bytes to an opaque peer got the recorded turn `call`, null: there is none.
  void answered_opaque(const event::Context& context, const RecordedCall* call,
                       const std::string& peer);
  void looked_up(const event::Context& context, const event::LookedUp& query,
                 std::optional<Fidelity> fidelity);
  void refused_connect(const event::Context& context, const std::string& peer);

  // --- What differed ---
  void diverge(Divergence divergence);
  // From here on what was told of an exchange already is not told again, where an exchange is
  // replayed many times.
  void tell_once() { tells_once_ = true; }
  // By exchange, those outside of any last.
  void sort_divergences();
  // Said to people at the end, once: what was bent to keep the replay going.
  void note(std::string text);

  // --- Progress ---
  void replayed(std::uint64_t exchanges = 1) { replayed_ += exchanges; }
  void released_early() { ++released_early_; }
  // A wait that was bounded ended without what was waited for.
  void wait_expired() { ++waits_bounded, ++waits_expired; }
  void unattributed() { ++unattributed_; }

  std::uint64_t fidelity(Fidelity fidelity) const {
    return fidelity_[static_cast<std::size_t>(fidelity)];
  }
  const LastAnswer& last_answer() const { return last_answer_; }
  std::uint64_t replayed_exchanges() const { return replayed_; }
  std::uint64_t early_releases() const { return released_early_; }
  std::uint64_t background_repeats() const { return background_repeats_; }
  std::uint64_t unattributed_calls() const { return unattributed_; }
  const std::vector<Divergence>& divergences() const { return divergences_; }
  const std::vector<std::string>& notes() const { return notes_; }
  bool within(Policy policy) const;

  // Set once, at the end.
  Coverage coverage;
  std::uint64_t draws_exact = 0, draws_relaxed = 0;
  std::uint64_t incidental_draws_recorded = 0, incidental_draws_replayed = 0;  // see draw_tally.h
  std::uint64_t unattributed_draws = 0;
  std::uint64_t clocks_raised = 0;  // exchanges whose monotonic time was raised
  nanoseconds greatest_raise{0};
  std::uint64_t selected = 0;  // exchanges that were to be replayed
  // Virtual time that passed while the service rested, by whether it took real time as well.
  nanoseconds silence_skipped{0}, silence_waited{0};
  // Waits of the replayer for something that the recording has next which it had to bound: the
  // service rested without having done it, or a thread was blocked where there is no hook. And
  // those of them that ended without it.
  std::uint64_t waits_bounded = 0, waits_expired = 0;
  std::vector<FileDifference> files;       // that were read at start, and are other ones here
  Determinism determinism;                 // of the runs of which this is the first
  std::optional<Performance> performance;  // of a replay in real time
  std::optional<event::ProcessExited> exit;

 private:
  void count(Fidelity fidelity) { ++fidelity_[static_cast<std::size_t>(fidelity)]; }

  LastAnswer last_answer_;
  std::uint64_t fidelity_[4] = {};
  std::uint64_t replayed_ = 0, released_early_ = 0, background_repeats_ = 0, unattributed_ = 0;
  std::vector<Divergence> divergences_;
  bool tells_once_ = false;
  std::set<std::pair<event::ExchangeId, std::string>> told_;
  // Index of the divergence of each call that was given as a substitute.
  std::map<event::CallId, std::size_t> substitutes_;
  std::vector<std::string> notes_;
};

}  // namespace reprise::replayer
