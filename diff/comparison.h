// Compares two archives, exchange by exchange.
//
// Ownership: borrows both readers and the listener. Memory: a few words for each exchange, and the
// messages of one exchange (for calls of no exchange: a description of each).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "archive/reader.h"
#include "diff/alignment.h"
#include "diff/call_diff.h"
#include "diff/difference.h"
#include "diff/unattributed_calls.h"
#include "event/exchange.h"

namespace reprise::diff {

// Is told what differs, as it is found: exchanges in the order of the base, then those that only
// the candidate has, then what belongs to no exchange.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual void on_difference(const ExchangeDifferences& found) = 0;
};

class Comparison {
 public:
  Comparison(archive::Reader& base, archive::Reader& candidate, Listener& listener)
      : base_(base),
        candidate_(candidate),
        listener_(listener),
        alignment_(base, candidate),
        unattributed_(base, candidate) {}

  Alignment::Kind alignment() const { return alignment_.kind(); }
  const Totals& totals() const { return totals_; }
  // False when the base's recording was stopped before the service ended, or either has no end.
  bool exit_compared() const { return exit_compared_; }

  // Compares everything, or one exchange of the base. Call one of them, once.
  void compare_all();
  void compare_only(event::ExchangeId base);

 private:
  enum class Side { kRequest, kResponse };
  // One of each archive.
  template <typename Thing>
  struct Pair {
    Thing& base;
    Thing& candidate;
  };
  // What was compared, to tell "same" from "nothing differs in what there is".
  struct Outcome {
    Differences differences;
    bool whole = true;
  };

  void compare_exchange(const event::Exchange& base);
  void compare_pair(const event::Exchange& base, const event::Exchange& candidate,
                    Outcome& outcome);
  // The message on one `side` of an exchange or a call in both archives.
  template <typename Record>
  void compare_message(const Pair<const Record>& records, Side side, const std::string& where,
                       const std::string& method, Outcome& outcome);
  void compare_calls(event::Context base, event::Context candidate, const std::string& prefix,
                     Outcome& outcome);
  void compare_calls(const std::vector<CallSummary>& base,
                     const std::vector<CallSummary>& candidate, const std::string& prefix,
                     Outcome& outcome);
  void compare_call(const Pair<const event::Call>& calls, const std::string& where,
                    Outcome& outcome);
  void tell_extra_exchanges();
  void compare_outside(const std::vector<CallSummary>& base,
                       const std::vector<CallSummary>& candidate, const std::string& name);
  void compare_exit();

  archive::Reader& base_;
  archive::Reader& candidate_;
  Listener& listener_;
  Alignment alignment_;
  UnattributedCalls unattributed_;
  Totals totals_;
  bool exit_compared_ = false;
};

// "code 0", "signal 11 (Segmentation fault)"
std::string exit_text(const event::ProcessExited& exit);
// "GET /item/7"
std::string exchange_name(const event::Exchange& exchange);

}  // namespace reprise::diff
