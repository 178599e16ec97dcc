#include "replayer/ledger_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace reprise::replayer {
namespace {

using event::ProcessExited;
using Json = nlohmann::json;
using Kind = Divergence::Kind;

void answer(Ledger& ledger, Fidelity fidelity, int times, bool past_tape = false) {
  static const RecordedCall kCall{.id = {1}};
  for (int i = 0; i < times; ++i) {
    ledger.answered(
        {}, {.fidelity = fidelity, .call = &kCall, .past_tape = past_tape, .difference = "body"},
        "stock:80");
  }
}

// A run in which nothing differed.
Ledger faithful() {
  Ledger ledger;
  answer(ledger, Fidelity::kExact, 12);
  answer(ledger, Fidelity::kRelaxed, 3);
  for (int i = 0; i < 5; ++i) ledger.replayed();
  ledger.selected = 5;
  ledger.draws_exact = 40;
  ledger.draws_relaxed = 2;
  ledger.coverage = {.hooked = 100, .leaked = 0, .leaks = {}, .watched = true};
  ledger.exit = ProcessExited{ProcessExited::How::kCode, 0};
  return ledger;
}

// One in which everything did that can.
Ledger troubled() {
  Ledger ledger = faithful();
  ledger.selected = 6;
  answer(ledger, Fidelity::kExact, 4, true);
  ledger.diverge({{2}, Kind::kResponse, "status 200", "status 500"});
  ledger.diverge({{3}, Kind::kMissingCall, "GET /stock to stock:80", ""});
  ledger.diverge({{}, Kind::kExit, "exit code 0", "signal 11 (Segmentation fault)"});
  ledger.coverage.leaked = 3;
  ledger.coverage.leaks = {{"getrandom in libfoo.so.1", 3}};
  ledger.incidental_draws_recorded = 9;
  ledger.incidental_draws_replayed = 11;
  ledger.unattributed_draws = 1;
  ledger.unattributed();
  ledger.released_early();
  ledger.waits_bounded = 7;
  ledger.waits_expired = 1;
  ledger.clocks_raised = 2;
  ledger.greatest_raise = std::chrono::milliseconds(1500);
  ledger.exit = ProcessExited{ProcessExited::How::kSignal, 11};
  ledger.note("the service was held");
  return ledger;
}

// --- In words
// -------------------------------------------------------------------------------------

TEST(LedgerText, FaithfulRunIsToldInAFewLines) {
  EXPECT_EQ(ledger_text(faithful()),
            "replayed     5 of 5 exchanges\n"
            "answers      12 exact, 3 relaxed, 0 substituted, 0 missed\n"
            "draws        40 exact, 2 relaxed\n"
            "divergences  0\n"
            "coverage     100 calls hooked, 0 leaked\n"
            "exit         code 0\n");
}

TEST(LedgerText, WhatWasBentIsToldLineByLine) {
  EXPECT_EQ(
      ledger_text(troubled()),
      "replayed     5 of 6 exchanges\n"
      "answers      12 exact, 3 relaxed, 0 substituted, 0 missed\n"
      "background   4 calls past the recording got its last answer again\n"
      "draws        40 exact, 2 relaxed; by libraries and of monotonic clocks 11, recorded 9\n"
      "divergences  3\n"
      "  exchange 2: response, recorded status 200, now status 500\n"
      "  exchange 3: missing call, recorded GET /stock to stock:80\n"
      "  exit, recorded exit code 0, now signal 11 (Segmentation fault)\n"
      "coverage     100 calls hooked, 3 leaked\n"
      "  leaked: getrandom in libfoo.so.1, 3 times\n"
      "unattributed 2\n"
      "order        1 released before the answer to an earlier request\n"
      "waits        7 bounded, 1 of them expired\n"
      "clock        monotonic time raised in 2 exchanges, by 1.500 s at most\n"
      "exit         signal 11\n"
      "note         the service was held\n");
}

TEST(LedgerText, LongListsAreCutWithACountOfTheRest) {
  Ledger ledger = faithful();
  for (std::uint64_t id = 1; id <= 25; ++id) ledger.diverge({{id}, Kind::kExtraCall, "", "x"});
  const std::string text = ledger_text(ledger);
  EXPECT_NE(text.find("divergences  25\n"), std::string::npos) << text;
  EXPECT_NE(text.find("exchange 20:"), std::string::npos);
  EXPECT_EQ(text.find("exchange 21:"), std::string::npos);
  EXPECT_NE(text.find("… and 5 more\n"), std::string::npos);
}

TEST(LedgerText, UnwatchedLeaksAreNotCalledNone) {
  Ledger ledger = faithful();
  ledger.coverage.watched = false;
  const std::string text = ledger_text(ledger);
  EXPECT_EQ(text.find("0 leaked"), std::string::npos) << text;
  EXPECT_NE(text.find("cannot be watched"), std::string::npos) << text;
}

TEST(LedgerText, ServiceThatRunsOnHasNoExit) {
  Ledger ledger = faithful();
  ledger.exit.reset();
  EXPECT_NE(ledger_text(ledger).find("did not end"), std::string::npos);
}

// Of 20 runs, some of which draw once more than the first.
Ledger repeated() {
  Ledger ledger = faithful();
  FirstDifference first;
  first.exchange = {17};
  first.context = "exchange 2 of connection 7";
  first.which = "fact 12";
  first.one = {1, "sent to the client (4 bytes, `done`)", ""};
  first.other = {3, "random getrandom (8 bytes, `........`)",
                 "shop+0x12ab, in pay() at shop.cc:12"};
  ledger.determinism.runs = 20;
  ledger.determinism.identical = 18;
  ledger.determinism.differing = {3, 9};
  ledger.determinism.exchanges = {{17}};
  ledger.determinism.elsewhere = true;
  ledger.determinism.first_difference = first;
  return ledger;
}

TEST(LedgerText, RunsThatDifferAreToldLast) {
  const std::string text = ledger_text(repeated());
  EXPECT_EQ(text.substr(text.find("deterministic")),
            "deterministic: 18 of 20\n"
            "  runs 3, 9 differ from run 1: in exchange 17 and outside of exchanges; 4 of 5 "
            "exchanges were the same in all runs\n"
            "  runs 1 and 3 differ first in exchange 17 (exchange 2 of connection 7), fact 12\n"
            "  run 1: sent to the client (4 bytes, `done`)\n"
            "    made by: not known\n"
            "  run 3: random getrandom (8 bytes, `........`)\n"
            "    made by: shop+0x12ab, in pay() at shop.cc:12\n");
}

TEST(LedgerText, RunsThatDoNotDifferAreCounted) {
  Ledger ledger = faithful();
  ledger.determinism.runs = ledger.determinism.identical = 20;
  EXPECT_TRUE(ledger_text(ledger).ends_with("deterministic: 20 of 20\n")) << ledger_text(ledger);
}

// --- For machines
// ---------------------------------------------------------------------------------

TEST(LedgerJson, HasWhatTheContractNames) {
  const Json json = Json::parse(ledger_json(troubled()));
  EXPECT_EQ(json.at("replayed"), 5);
  EXPECT_EQ(json.at("fidelity"),
            (Json{{"exact", 12}, {"relaxed", 3}, {"substituted", 0}, {"missed", 0}}));
  EXPECT_EQ(json.at("background"), 4);
  EXPECT_EQ(json.at("divergences").size(), 3u);
  EXPECT_EQ(json.at("divergences")[0], (Json{{"exchange", 2},
                                             {"kind", "response"},
                                             {"expected", "status 200"},
                                             {"actual", "status 500"}}));
  EXPECT_TRUE(json.at("divergences")[2].at("exchange").is_null());
  EXPECT_EQ(json.at("coverage").at("hooked"), 100);
  EXPECT_EQ(json.at("coverage").at("leaked"), 3);
  EXPECT_EQ(json.at("waits"), (Json{{"bounded", 7}, {"expired", 1}}));
  EXPECT_EQ(json.at("deterministic"), (Json{{"runs", 1},
                                            {"identical", 1},
                                            {"differing_runs", Json::array()},
                                            {"differing_exchanges", Json::array()},
                                            {"differs_elsewhere", false},
                                            {"first_difference", nullptr}}));
  EXPECT_EQ(json.at("unattributed"), 2);
  EXPECT_EQ(json.at("exit"), (Json{{"signal", 11}}));
}

TEST(LedgerJson, RepeatsAreTold) {
  const Json told = Json::parse(ledger_json(repeated())).at("deterministic");
  EXPECT_EQ(told.at("differing_runs"), (Json{3, 9}));
  EXPECT_EQ(told.at("differing_exchanges"), (Json{17}));
  EXPECT_TRUE(told.at("differs_elsewhere"));
}

TEST(LedgerJson, FirstDifferenceHasBothSides) {
  const Json difference =
      Json::parse(ledger_json(repeated())).at("deterministic").at("first_difference");
  EXPECT_EQ(difference.at("exchange"), 17);
  EXPECT_EQ(difference.at("context"), "exchange 2 of connection 7");
  EXPECT_EQ(difference.at("one").at("run"), 1);
  EXPECT_TRUE(difference.at("one").at("code").is_null());
  EXPECT_EQ(difference.at("other"), (Json{{"run", 3},
                                          {"fact", "random getrandom (8 bytes, `........`)"},
                                          {"code", "shop+0x12ab, in pay() at shop.cc:12"}}));
}

TEST(LedgerJson, EndIsACodeOrASignalOrNothing) {
  Ledger ledger = faithful();
  ledger.exit = ProcessExited{ProcessExited::How::kCode, 3};
  EXPECT_EQ(Json::parse(ledger_json(ledger)).at("exit"), (Json{{"code", 3}}));
  ledger.exit.reset();
  EXPECT_TRUE(Json::parse(ledger_json(ledger)).at("exit").is_null());
}

TEST(LedgerJson, EmptyListsAreLists) {
  const Json json = Json::parse(ledger_json(Ledger()));
  EXPECT_TRUE(json.at("divergences").is_array());
  EXPECT_TRUE(json.at("notes").is_array());
  EXPECT_TRUE(json.at("coverage").at("leaks").is_object()) << json.at("coverage");
}

TEST(LedgerJson, ListsAreNeverCut) {
  Ledger ledger = faithful();
  for (std::uint64_t id = 1; id <= 25; ++id) ledger.diverge({{id}, Kind::kExtraCall, "", "x"});
  EXPECT_EQ(Json::parse(ledger_json(ledger)).at("divergences").size(), 25u);
}

TEST(LedgerJson, BytesThatAreNoTextStayReadableJson) {
  Ledger ledger = faithful();
  ledger.diverge({{1}, Kind::kResponse, "body: \xff\xfe\"\n", "body: ok"});
  const Json json = Json::parse(ledger_json(ledger));
  EXPECT_EQ(json.at("divergences")[0].at("actual"), "body: ok");
}

}  // namespace
}  // namespace reprise::replayer
