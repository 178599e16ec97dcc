#include "replayer/ledger.h"

#include <gtest/gtest.h>

#include <set>

namespace reprise::replayer {
namespace {

using event::Context;
using Kind = Divergence::Kind;

class LedgerEntries : public testing::Test {
 protected:
  // A call of exchange 7 to "stock:80" was answered so.
  void answer(Fidelity fidelity, const RecordedCall* call = nullptr,
              const std::string& operation = "GET /stock") {
    ledger_.answered(request(operation), {.fidelity = fidelity, .call = call, .difference = "body"},
                     "stock:80");
  }
  static CallRequest request(const std::string& operation, Context context = Context::of({7})) {
    CallRequest request;
    request.context = context;
    request.operation = operation;
    return request;
  }
  const Divergence& only_divergence() {
    EXPECT_EQ(ledger_.divergences().size(), 1u);
    static const Divergence kNothing;
    return ledger_.divergences().empty() ? kNothing : ledger_.divergences().front();
  }
  static bool holds(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }

  Ledger ledger_;
  const RecordedCall call_{.id = {1}}, other_call_{.id = {2}};
};

// --- Policy
// ---------------------------------------------------------------------------------------

TEST_F(LedgerEntries, PolicyIsTheWorstFidelityARunTolerates) {
  struct Case {
    Fidelity worst;
    bool exact, relaxed, substituted;  // within which policies
  };
  for (const Case& c :
       {Case{Fidelity::kExact, true, true, true}, Case{Fidelity::kRelaxed, false, true, true},
        Case{Fidelity::kSubstituted, false, false, true},
        Case{Fidelity::kMissed, false, false, false}}) {
    Ledger ledger;
    ledger.answered(request("GET /stock"), {.fidelity = Fidelity::kExact, .call = &call_}, "");
    ledger.answered(request("GET /stock"), {.fidelity = c.worst, .call = &other_call_}, "");
    EXPECT_EQ(ledger.within(Policy::kExact), c.exact) << fidelity_name(c.worst);
    EXPECT_EQ(ledger.within(Policy::kRelaxed), c.relaxed) << fidelity_name(c.worst);
    EXPECT_EQ(ledger.within(Policy::kSubstituted), c.substituted) << fidelity_name(c.worst);
  }
}

TEST_F(LedgerEntries, RunWithoutCallsIsWithinEveryPolicy) {
  EXPECT_TRUE(ledger_.within(Policy::kExact));
}

TEST_F(LedgerEntries, DivergentResponseIsNoMatterOfPolicy) {
  ledger_.diverge({{1}, Kind::kResponse, "status 200", "status 500"});
  EXPECT_TRUE(ledger_.within(Policy::kExact));
}

// --- Calls
// ----------------------------------------------------------------------------------------

TEST_F(LedgerEntries, FaithfulAnswersAreCountedAndNoDivergence) {
  answer(Fidelity::kExact, &call_);
  answer(Fidelity::kRelaxed, &other_call_);
  EXPECT_EQ(ledger_.fidelity(Fidelity::kExact), 1u);
  EXPECT_EQ(ledger_.fidelity(Fidelity::kRelaxed), 1u);
  EXPECT_TRUE(ledger_.divergences().empty());
}

TEST_F(LedgerEntries, MissedCallIsAnExtraOneOfItsExchange) {
  answer(Fidelity::kMissed, nullptr, "POST /charge");
  EXPECT_EQ(only_divergence().kind, Kind::kExtraCall);
  EXPECT_EQ(only_divergence().exchange, event::ExchangeId{7});
  EXPECT_EQ(only_divergence().expected, "");
  EXPECT_TRUE(holds(only_divergence().actual, "POST /charge to stock:80"));
}

TEST_F(LedgerEntries, SubstitutedCallIsAChangedOneThatSaysWhatDiffers) {
  answer(Fidelity::kSubstituted, &call_);
  EXPECT_EQ(only_divergence().kind, Kind::kChangedCall);
  EXPECT_EQ(only_divergence().expected, "GET /stock to stock:80");
  EXPECT_TRUE(holds(only_divergence().actual, "body")) << only_divergence().actual;
}

TEST_F(LedgerEntries, ReclaimedAnswerTurnsTheChangedCallIntoAnExtraOne) {
  answer(Fidelity::kSubstituted, &other_call_);
  answer(Fidelity::kSubstituted, &call_);
  ledger_.answered(request("GET /stock"),
                   {.fidelity = Fidelity::kExact, .call = &call_, .reclaimed = true}, "stock:80");
  ASSERT_EQ(ledger_.divergences().size(), 2u);
  EXPECT_EQ(ledger_.divergences()[0].kind, Kind::kChangedCall);
  EXPECT_EQ(ledger_.divergences()[1].kind, Kind::kExtraCall);
  EXPECT_EQ(ledger_.divergences()[1].expected, "");
}

TEST_F(LedgerEntries, RepeatedBackgroundAnswersAreCountedApart) {
  ledger_.answered(request("GET /stock", Context::background()),
                   {.fidelity = Fidelity::kExact, .call = &call_, .past_tape = true}, "stock:80");
  EXPECT_EQ(ledger_.background_repeats(), 1u);
  EXPECT_EQ(ledger_.fidelity(Fidelity::kExact), 0u);
}

TEST_F(LedgerEntries, CallsOfUnknownContextAreCounted) {
  ledger_.answered(request("GET /stock", Context::unattributed()),
                   {.fidelity = Fidelity::kRelaxed, .call = &call_}, "stock:80");
  answer(Fidelity::kExact, &call_);
  EXPECT_EQ(ledger_.unattributed_calls(), 1u);
}

TEST_F(LedgerEntries, OpaqueTurnIsExactOrMissed) {
  ledger_.answered_opaque(Context::of({7}), &call_, "queue:9");
  EXPECT_EQ(ledger_.fidelity(Fidelity::kExact), 1u);
  EXPECT_TRUE(ledger_.divergences().empty());
  ledger_.answered_opaque(Context::of({7}), nullptr, "queue:9");
  EXPECT_EQ(ledger_.fidelity(Fidelity::kMissed), 1u);
  EXPECT_EQ(only_divergence().kind, Kind::kExtraCall);
  EXPECT_TRUE(holds(only_divergence().actual, "queue:9"));
}

TEST_F(LedgerEntries, LastAnswerIsWhatTheServiceWasGivenLast) {
  answer(Fidelity::kExact, &call_);
  answer(Fidelity::kSubstituted, &other_call_);
  answer(Fidelity::kMissed);
  EXPECT_EQ(ledger_.last_answer().call, &other_call_);
  EXPECT_EQ(ledger_.last_answer().fidelity, Fidelity::kSubstituted);
}

// --- Lookups and connects
// -------------------------------------------------------------------------

TEST_F(LedgerEntries, LookupOfAnUnknownNameIsAnExtraOne) {
  event::LookedUp query;
  query.node = "warehouse";
  ledger_.looked_up(Context::of({7}), query, Fidelity::kRelaxed);
  EXPECT_TRUE(ledger_.divergences().empty());
  ledger_.looked_up(Context::of({7}), query, std::nullopt);
  EXPECT_EQ(only_divergence().kind, Kind::kExtraLookup);
  EXPECT_TRUE(holds(only_divergence().actual, "warehouse"));
  EXPECT_EQ(ledger_.fidelity(Fidelity::kRelaxed), 1u);
  EXPECT_EQ(ledger_.fidelity(Fidelity::kMissed), 1u);
}

TEST_F(LedgerEntries, ConnectToAPeerNobodyRecordedIsAMiss) {
  ledger_.refused_connect(Context::background(), "192.0.2.1:80");
  EXPECT_EQ(only_divergence().kind, Kind::kExtraConnect);
  EXPECT_TRUE(holds(only_divergence().actual, "192.0.2.1:80"));
  EXPECT_FALSE(ledger_.within(Policy::kSubstituted));
}

// --- Order and words
// ------------------------------------------------------------------------------

TEST_F(LedgerEntries, DivergencesAreToldByExchangeAndThoseOutsideLast) {
  ledger_.diverge({{}, Kind::kExit, "exit code 0", "exit code 1"});
  ledger_.diverge({{2}, Kind::kResponse, "b", ""});
  ledger_.diverge({{1}, Kind::kExtraCall, "", "a"});
  ledger_.diverge({{2}, Kind::kExtraDraw, "c", ""});
  ledger_.sort_divergences();
  std::vector<Kind> kinds;
  for (const Divergence& divergence : ledger_.divergences()) kinds.push_back(divergence.kind);
  EXPECT_EQ(kinds, (std::vector{Kind::kExtraCall, Kind::kResponse, Kind::kExtraDraw, Kind::kExit}));
}

TEST_F(LedgerEntries, NoteIsSaidOnce) {
  ledger_.note("bent");
  ledger_.note("broken");
  ledger_.note("bent");
  EXPECT_EQ(ledger_.notes(), (std::vector<std::string>{"bent", "broken"}));
}

TEST_F(LedgerEntries, EveryKindOfDivergenceHasANameOfItsOwn) {
  std::set<std::string> names;
  for (int kind = 0; kind <= static_cast<int>(Kind::kExit); ++kind) {
    names.insert(divergence_name(static_cast<Kind>(kind)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Kind::kExit) + 1);
  EXPECT_FALSE(names.contains(""));
}

}  // namespace
}  // namespace reprise::replayer
