#include "replayer/ledger_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "replayer/performance_report.h"

namespace reprise::replayer {
namespace {

using Json = nlohmann::ordered_json;

// Divergences and leaks told one by one; the JSON has them all.
constexpr std::size_t kTold = 20;

std::string line(const char* name, const std::string& value) {
  return fmt::format("{:<13}{}\n", name, value);
}

double seconds(nanoseconds span) { return static_cast<double>(span.count()) / 1e9; }

std::string replayed_line(const Ledger& ledger) {
  return line("replayed",
              fmt::format("{} of {} exchanges", ledger.replayed_exchanges(), ledger.selected));
}

std::string divergence_line(const Divergence& divergence) {
  std::string text =
      divergence.exchange ? fmt::format("exchange {}: ", divergence.exchange.value) : std::string();
  text += divergence_name(divergence.kind);
  if (!divergence.expected.empty()) text += ", recorded " + divergence.expected;
  if (!divergence.actual.empty()) text += ", now " + divergence.actual;
  return "  " + text + "\n";
}

std::string exit_words(const std::optional<event::ProcessExited>& exit) {
  if (!exit) return "it did not end";
  return (exit->how == event::ProcessExited::How::kCode ? "code " : "signal ") +
         std::to_string(exit->value);
}

std::string divergence_lines(const Ledger& ledger) {
  const auto& divergences = ledger.divergences();
  std::string text = line("divergences", std::to_string(divergences.size()));
  for (std::size_t i = 0; i < std::min(divergences.size(), kTold); ++i) {
    text += divergence_line(divergences[i]);
  }
  if (divergences.size() > kTold)
    text += fmt::format("  … and {} more\n", divergences.size() - kTold);
  return text;
}

std::string coverage_lines(const Coverage& coverage) {
  std::string text =
      line("coverage", fmt::format("{} calls hooked, {}", coverage.hooked,
                                   coverage.watched ? std::to_string(coverage.leaked) + " leaked"
                                                    : "leaks cannot be watched on this system"));
  std::size_t told = 0;
  for (const auto& [name, count] : coverage.leaks) {
    if (told++ == kTold) break;
    text += fmt::format("  leaked: {}, {} times\n", name, count);
  }
  return text;
}

std::string draw_line(const Ledger& ledger) {
  std::string text = fmt::format("{} exact, {} relaxed", ledger.draws_exact, ledger.draws_relaxed);
  if (ledger.incidental_draws_recorded != ledger.incidental_draws_replayed) {
    text += fmt::format("; by libraries and of monotonic clocks {}, recorded {}",
                        ledger.incidental_draws_replayed, ledger.incidental_draws_recorded);
  }
  return text;
}

std::string fact_lines(const RunFact& fact) {
  return fmt::format("  run {}: {}\n    made by: {}\n", fact.run, fact.fact,
                     fact.code.empty() ? "not known" : fact.code);
}

// "2, 3, 7", and how many more.
std::string listed(const std::vector<std::uint64_t>& numbers) {
  constexpr std::size_t kNamed = 8;
  std::string text;
  std::size_t count = 0;
  for (const std::uint64_t number : numbers) {
    if (++count <= kNamed) text += (text.empty() ? "" : ", ") + std::to_string(number);
  }
  return count <= kNamed ? text : text + fmt::format(" and {} more", count - kNamed);
}

std::vector<std::uint64_t> numbers_of(const std::set<event::ExchangeId>& exchanges) {
  std::vector<std::uint64_t> numbers;
  for (const event::ExchangeId exchange : exchanges) numbers.push_back(exchange.value);
  return numbers;
}

// What the repeats had alike, and what not.
std::string repeats_line(const Ledger& ledger) {
  const Determinism& determinism = ledger.determinism;
  const bool one = determinism.differing.size() == 1;
  std::string text = fmt::format("  {} {} {} from run 1: ", one ? "run" : "runs",
                                 listed(determinism.differing), one ? "differs" : "differ");
  const std::vector<std::uint64_t> exchanges = numbers_of(determinism.exchanges);
  if (!exchanges.empty()) {
    text += fmt::format("in {} {}", exchanges.size() == 1 ? "exchange" : "exchanges",
                        listed(exchanges));
  }
  if (determinism.elsewhere)
    text += exchanges.empty() ? "outside of exchanges" : " and outside of exchanges";
  const std::uint64_t alike =
      ledger.selected - std::min<std::uint64_t>(ledger.selected, exchanges.size());
  return text +
         fmt::format("; {} of {} exchanges were the same in all runs\n", alike, ledger.selected);
}

std::string determinism_lines(const Ledger& ledger) {
  const Determinism& determinism = ledger.determinism;
  std::string text =
      fmt::format("deterministic: {} of {}\n", determinism.identical, determinism.runs);
  if (!determinism.first_difference) return text;
  text += repeats_line(ledger);
  const FirstDifference& first = *determinism.first_difference;
  const std::string where =
      first.exchange ? fmt::format("exchange {} ({})", first.exchange.value, first.context)
                     : first.context;
  text += fmt::format("  runs {} and {} differ first in {}, {}\n", first.one.run, first.other.run,
                      where, first.which);
  return text + fact_lines(first.one) + fact_lines(first.other);
}

Json fact_json(const RunFact& fact) {
  Json json;
  json["run"] = fact.run;
  json["fact"] = fact.fact;
  json["code"] = fact.code.empty() ? Json(nullptr) : Json(fact.code);
  return json;
}

Json determinism_json(const Determinism& determinism) {
  Json json;
  json["runs"] = determinism.runs;
  json["identical"] = determinism.identical;
  json["differing_runs"] = determinism.differing;
  json["differing_exchanges"] = numbers_of(determinism.exchanges);
  json["differs_elsewhere"] = determinism.elsewhere;
  Json& difference = json["first_difference"] = nullptr;
  if (determinism.first_difference) {
    const FirstDifference& first = *determinism.first_difference;
    difference = Json::object();
    difference["exchange"] = first.exchange ? Json(first.exchange.value) : Json(nullptr);
    difference["context"] = first.context;
    difference["which"] = first.which;
    difference["one"] = fact_json(first.one);
    difference["other"] = fact_json(first.other);
  }
  return json;
}

Json exit_json(const std::optional<event::ProcessExited>& exit) {
  if (!exit) return nullptr;
  Json json;
  json[exit->how == event::ProcessExited::How::kCode ? "code" : "signal"] = exit->value;
  return json;
}

Json file_state_json(std::uint64_t size, std::optional<std::uint64_t> digest) {
  Json state;
  state["size"] = size;
  state["xxh3"] = digest ? Json(fmt::format("{:016x}", *digest)) : Json(nullptr);
  return state;
}

Json files_json(const std::vector<FileDifference>& files) {
  Json list = Json::array();
  for (const FileDifference& file : files) {
    Json one;
    one["path"] = file.path;
    one["recorded"] = file_state_json(file.recorded_size, file.recorded_digest);
    one["here"] = file.problem.empty() ? file_state_json(file.size, file.digest) : Json(nullptr);
    list.push_back(std::move(one));
  }
  return list;
}

}  // namespace

std::string plain_ledger_text(const Ledger& ledger) {
  std::string text = replayed_line(ledger) + divergence_lines(ledger);
  if (ledger.performance) text += performance_text(*ledger.performance);
  return text + line("exit", exit_words(ledger.exit));
}

std::string ledger_text(const Ledger& ledger) {
  std::string text = replayed_line(ledger);
  text += line(
      "answers",
      fmt::format("{} exact, {} relaxed, {} substituted, {} missed",
                  ledger.fidelity(Fidelity::kExact), ledger.fidelity(Fidelity::kRelaxed),
                  ledger.fidelity(Fidelity::kSubstituted), ledger.fidelity(Fidelity::kMissed)));
  if (ledger.background_repeats() > 0) {
    text += line("background", fmt::format("{} calls past the recording got its last answer again",
                                           ledger.background_repeats()));
  }
  text += line("draws", draw_line(ledger));
  text += divergence_lines(ledger);
  text += coverage_lines(ledger.coverage);
  if (!ledger.files.empty()) {
    text +=
        line("files", fmt::format("{} of those it read at start {} not as recorded",
                                  ledger.files.size(), ledger.files.size() == 1 ? "is" : "are"));
  }
  const std::uint64_t unattributed = ledger.unattributed_calls() + ledger.unattributed_draws;
  if (unattributed > 0) text += line("unattributed", std::to_string(unattributed));
  if (ledger.early_releases() > 0) {
    text += line("order", fmt::format("{} released before the answer to an earlier request",
                                      ledger.early_releases()));
  }
  if (ledger.waits_bounded > 0) {
    text += line("waits", fmt::format("{} bounded, {} of them expired", ledger.waits_bounded,
                                      ledger.waits_expired));
  }
  if (ledger.silence_skipped + ledger.silence_waited > nanoseconds{0}) {
    const bool waited = ledger.silence_waited > nanoseconds{0};
    text +=
        line("silence", waited ? fmt::format("{:.3f} s waited", seconds(ledger.silence_waited))
                               : fmt::format("{:.3f} s skipped", seconds(ledger.silence_skipped)));
  }
  if (ledger.clocks_raised > 0) {
    text += line("clock", fmt::format("monotonic time raised in {} exchanges, by {:.3f} s at most",
                                      ledger.clocks_raised, seconds(ledger.greatest_raise)));
  }
  if (ledger.performance) text += performance_text(*ledger.performance);
  text += line("exit", exit_words(ledger.exit));
  for (const std::string& note : ledger.notes()) text += line("note", note);
  if (ledger.determinism.runs > 1) text += determinism_lines(ledger);
  return text;
}

std::string ledger_json(const Ledger& ledger) {
  Json json;
  json["replayed"] = ledger.replayed_exchanges();
  json["selected"] = ledger.selected;
  Json& fidelity = json["fidelity"];
  for (const Fidelity degree :
       {Fidelity::kExact, Fidelity::kRelaxed, Fidelity::kSubstituted, Fidelity::kMissed}) {
    fidelity[fidelity_name(degree)] = ledger.fidelity(degree);
  }
  json["background"] = ledger.background_repeats();
  Json& divergences = json["divergences"] = Json::array();
  for (const Divergence& divergence : ledger.divergences()) {
    Json one;
    one["exchange"] = divergence.exchange ? Json(divergence.exchange.value) : Json(nullptr);
    one["kind"] = divergence_name(divergence.kind);
    one["expected"] = divergence.expected;
    one["actual"] = divergence.actual;
    divergences.push_back(std::move(one));
  }
  json["files"] = files_json(ledger.files);
  json["coverage"]["hooked"] = ledger.coverage.hooked;
  json["coverage"]["leaked"] = ledger.coverage.leaked;
  json["coverage"]["watched"] = ledger.coverage.watched;
  json["coverage"]["leaks"] = ledger.coverage.leaks;
  json["silence"]["skipped_s"] = seconds(ledger.silence_skipped);
  json["silence"]["waited_s"] = seconds(ledger.silence_waited);
  json["waits"]["bounded"] = ledger.waits_bounded;
  json["waits"]["expired"] = ledger.waits_expired;
  json["draws"]["exact"] = ledger.draws_exact;
  json["draws"]["relaxed"] = ledger.draws_relaxed;
  json["unattributed"] = ledger.unattributed_calls() + ledger.unattributed_draws;
  json["released_early"] = ledger.early_releases();
  json["clocks_raised"] = ledger.clocks_raised;
  json["notes"] = ledger.notes();
  json["deterministic"] = determinism_json(ledger.determinism);
  if (ledger.performance) json["performance"] = performance_json(*ledger.performance);
  json["exit"] = exit_json(ledger.exit);
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace reprise::replayer
