// Finds the recorded answer to an external call.
//
// A call is addressed by context, peer, protocol, operation and ordinal. Among the recorded calls
// of one address that were not given yet, an equal request goes first, then one that differs only
// in what protocol/message.h lets differ, then the next in order with whatever content:
// `substituted`. Each is given once. When a request turns up later that equals one which was given
// as a substitute, that one gets it (it is its own) and the earlier call is known to be extra.
// Where one of the two runs does not know the context, an equal request is looked for there before
// an unequal one is taken from the call's own: the calls of nobody known are of many exchanges, and
// the next of them is anybody's.
//
// Set-up of pooled connections (preludes) is answered in any context and again; that of the call's
// own context goes first. Where a request only asks for the state of its connection (PostgreSQL's
// Sync) the answer is the one that followed the call before it. Background calls past the tape get
// the last outcome again, and after give_again() those of exchanges their own. Likeness of contents
// is never used.
//
// Opaque connections are not matched here: see answered_connection.h.
//
// Ownership: borrows the plan. Threading: one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "protocol/message.h"
#include "replayer/plan.h"

namespace reprise::replayer {

enum class Fidelity : std::uint8_t { kExact, kRelaxed, kSubstituted, kMissed };
[[nodiscard]] const char* fidelity_name(Fidelity fidelity);

// A call of the replayed service. Contexts are those of the recording.
struct CallRequest {
  event::Context context;
  std::optional<NameId> peer;  // none: the recorded service never went there
  event::Protocol protocol = event::Protocol::kUnknown;
  std::string operation;
  std::string target;  // as RecordedCall has it
  bool prelude = false;
  const RecordedCall* follows = nullptr;  // what was answered before it on its connection
  event::Bytes bytes;
  std::vector<event::ExchangeId> in_flight;  // whose it may be when `context` is not known
};

struct CallMatch {
  Fidelity fidelity = Fidelity::kMissed;
  const RecordedCall* call = nullptr;  // null when missed
  bool past_tape = false;              // a background call that got the last outcome again
  std::string difference;              // what differs, in words; "" when exact
  // The recorded call that was given to an earlier, different request and belongs to this one.
  bool reclaimed = false;
  std::uint64_t skip = 0;  // bytes of the answer that are left out
};

class Matcher {
 public:
  explicit Matcher(const Plan& plan);

  // From here on calls of exchanges are not used up: once all that are equal were given they are
  // given again, in their order. For exchanges that are replayed several times, even at once.
  void give_again() { gives_again_ = true; }

  CallMatch match(const CallRequest& request);

  // The answer that match() would give by address alone, while the request is not whole yet.
  // Nothing is consumed.
  const RecordedCall* expected(const CallRequest& request);

  // An opaque turn was answered with `call`, equal byte for byte.
  void give_opaque(const RecordedCall& call);

  // Recorded calls of an exchange that were not made, preludes apart. Forgets what was only needed
  // to match calls of that exchange.
  std::vector<const RecordedCall*> finish(event::ExchangeId exchange);

 private:
  enum class Given : std::uint8_t { kNot, kOwn, kSubstitute };
  struct Key {
    event::Context context;
    NameId peer;
    event::Protocol protocol = event::Protocol::kUnknown;
    NameId operation;
    NameId target;  // of preludes
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Group {
    std::vector<std::uint32_t> calls;  // in Plan::calls, by ordinal
    std::size_t first_not_given = 0;   // all before it were given
    std::size_t next = 0;              // where to look first, when they are given again
  };
  struct Preludes {
    std::vector<std::uint32_t> left;     // not given yet
    std::vector<std::uint32_t> samples;  // one of each content, given
  };

  Group* group(const event::Context& context, const CallRequest& request);
  void index(const event::Context& context);
  std::vector<std::uint32_t> window(Group& group) const;
  std::optional<CallMatch> match_equal(Group& group, const CallRequest& request);
  std::optional<CallMatch> match_unequal(Group& group, const CallRequest& request);
  std::optional<CallMatch> match_again(Group& group, const CallRequest& request);
  std::optional<CallMatch> match_elsewhere(const CallRequest& request);
  std::optional<CallMatch> match_prelude(const CallRequest& request);
  std::optional<CallMatch> match_prelude_like(Key key, const CallRequest& request);
  std::optional<std::uint64_t> skipped_in(const RecordedCall& call) const;
  std::optional<CallMatch> match_state(const CallRequest& request);
  bool asks_state(const RecordedCall& call) const;
  char state_after(const RecordedCall& call) const;
  std::optional<std::uint32_t> state_like(const CallRequest& request, char state);
  bool is_followed_at_once(const RecordedCall& call) const;
  std::optional<NameId> name(const std::string& text) const;
  CallMatch past_tape(const Group& group, const CallRequest& request);
  CallMatch give(std::uint32_t call, Fidelity fidelity, std::string difference);
  bool equal(const RecordedCall& call, const CallRequest& request) const;
  protocol::RequestComparison compare(const RecordedCall& call,
                                      const protocol::Message& actual) const;

  const Plan& plan_;
  bool gives_again_ = false;
  std::vector<Given> given_;                       // by index in Plan::calls
  std::unordered_map<std::string, NameId> names_;  // of operations, and of targets of preludes
  std::map<event::Context, bool> indexed_;
  std::map<Key, Group> groups_;
  std::map<Key, Preludes> preludes_;  // of all contexts: keyed with the background
};

}  // namespace reprise::replayer
