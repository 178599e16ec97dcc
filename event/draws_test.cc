#include "event/draws.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace reprise::event {
namespace {

Draw clock(std::int64_t value, std::uint8_t source = 0, std::string module = "") {
  Draw draw;
  draw.source = source;
  draw.value_ns = value;
  draw.module = std::move(module);
  return draw;
}

Draw relaxed(Draw draw) {
  draw.relaxed = true;
  return draw;
}

Draw random_draw(Bytes bytes) {
  Draw draw;
  draw.kind = Draw::Kind::kRandom;
  draw.source = 1;
  draw.bytes = std::move(bytes);
  return draw;
}

using Kind = DrawDifference::Kind;

std::vector<std::pair<Kind, std::size_t>> align(const std::vector<Draw>& recorded,
                                                const std::vector<Draw>& actual) {
  std::vector<std::pair<Kind, std::size_t>> out;
  for (const DrawDifference& d : align_draws(recorded, actual)) out.emplace_back(d.kind, d.index);
  return out;
}

using Expected = std::vector<std::pair<Kind, std::size_t>>;

TEST(AlignDraws, EqualSequencesHaveNoDifference) {
  const std::vector<Draw> draws = {clock(1), random_draw({1, 2}), clock(2, 1)};
  EXPECT_EQ(align(draws, draws), Expected{});
  EXPECT_EQ(align({}, {}), Expected{});
}

TEST(AlignDraws, AddedReadThatGotTheNextValueEarlyIsTheOneExtra) {
  const std::vector<Draw> recorded = {clock(10), clock(20), clock(30)};
  const std::vector<Draw> actual = {clock(10), relaxed(clock(20)), clock(20), clock(30)};
  EXPECT_EQ(align(recorded, actual), (Expected{{Kind::kExtra, 1}}));
}

TEST(AlignDraws, AddedReadAtTheEndIsExtra) {
  const std::vector<Draw> recorded = {clock(10), clock(20)};
  const std::vector<Draw> actual = {clock(10), clock(20), relaxed(clock(21))};
  EXPECT_EQ(align(recorded, actual), (Expected{{Kind::kExtra, 2}}));
}

TEST(AlignDraws, RemovedReadIsMissingAndShiftsNothing) {
  const std::vector<Draw> recorded = {clock(10), clock(20), clock(30), clock(40)};
  const std::vector<Draw> actual = {clock(10), clock(30), clock(40)};
  EXPECT_EQ(align(recorded, actual), (Expected{{Kind::kMissing, 1}}));
}

TEST(AlignDraws, ReadInsideALibraryDoesNotStandInForTheProgramsOwn) {
  const std::vector<Draw> recorded = {clock(10), clock(20)};
  const std::vector<Draw> actual = {clock(10), clock(20, 0, "libcurl.so")};
  EXPECT_EQ(align(recorded, actual), (Expected{{Kind::kMissing, 1}, {Kind::kExtra, 1}}));
}

TEST(AlignDraws, SameSourceWithAnotherValueIsNoDifferenceInCount) {
  const std::vector<Draw> recorded = {clock(10), clock(20), clock(30)};
  const std::vector<Draw> actual = {clock(10), clock(25), clock(30)};
  EXPECT_EQ(align(recorded, actual), Expected{});
}

TEST(AlignDraws, RaisedMonotonicBaseIsNoDifference) {
  const std::vector<Draw> recorded = {clock(10, 1), clock(20, 1), clock(35, 1)};
  const std::vector<Draw> actual = {clock(1010, 1), clock(1020, 1), clock(1020, 1), clock(1035, 1)};
  EXPECT_EQ(align(recorded, actual).size(), 1u);
}

TEST(AlignDraws, SequencesBeyondComparisonAreComparedByCounts) {
  std::vector<Draw> recorded(3000, clock(1)), actual(3000, clock(2, 1));
  actual.push_back(clock(7));
  const auto differences = align_draws(recorded, actual);
  const auto missing = std::count_if(differences.begin(), differences.end(),
                                     [](const auto& d) { return d.kind == Kind::kMissing; });
  EXPECT_EQ(missing, 2999);
  EXPECT_EQ(differences.size(), 2999u + 3000u);
}

// A slow oracle: length of the longest common subsequence by source.
std::size_t common_by_source(const std::vector<Draw>& a, const std::vector<Draw>& b) {
  std::vector<std::vector<std::size_t>> best(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < b.size(); ++j) {
      best[i + 1][j + 1] =
          a[i].same_source(b[j]) ? best[i][j] + 1 : std::max(best[i][j + 1], best[i + 1][j]);
    }
  }
  return best[a.size()][b.size()];
}

TEST(AlignDraws, AgreesWithAnOracleOnRandomSequencesWithoutCommonValues) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::vector<Draw> a, b;
    std::int64_t value = 1;
    const auto fill = [&](std::vector<Draw>& draws) {
      draws.resize(random() % 12);
      for (Draw& draw : draws) draw = clock(value++, static_cast<std::uint8_t>(32 + random() % 3));
    };
    fill(a);
    fill(b);
    const std::size_t common = common_by_source(a, b);
    EXPECT_EQ(align_draws(a, b).size(), a.size() + b.size() - 2 * common);
  }
}

TEST(DrawOf, NamesTheModuleOfTheCaller) {
  Modules modules;
  Event event;
  event.process = {1};
  event.fact = ProcessStarted{.executable = "/bin/service"};
  modules.add(event);
  event.fact = ModuleLoaded{"/bin/service", 0x1000, 0x2000, 0x1000};
  modules.add(event);
  event.fact = ModuleLoaded{"/usr/lib/libcurl.so.4.8.0", 0x5000, 0x6000, 0x5000};
  modules.add(event);
  const auto name = [&](std::uint64_t caller) {
    event.fact = ClockRead{.source = 0, .value_ns = 5, .caller = caller};
    return draw_of(event, modules)->name();
  };
  EXPECT_EQ(name(0x1800), "clock realtime");
  EXPECT_EQ(name(0x5800), "clock realtime in libcurl.so");
  EXPECT_EQ(name(0x6000), "clock realtime in ?");
  EXPECT_EQ(name(0x10), "clock realtime in ?");
}

TEST(DrawOf, FailedRandomReadDrewNothing) {
  Event event;
  event.fact = RandomDrawn{.source = 1, .error = 11};
  EXPECT_FALSE(draw_of(event, Modules()).has_value());
}

TEST(Modules, ForkedChildHasItsParentsObjectsUntilItExecutes) {
  Modules modules;
  Event event;
  event.process = {1};
  event.fact = ModuleLoaded{"/lib/libz.so.1", 0x100, 0x200, 0};
  modules.add(event);
  event.process = {2};
  event.fact = ProcessStarted{.parent = {1}, .path = "0.1"};
  modules.add(event);
  EXPECT_EQ(modules.name_of({2}, 0x180), "libz.so");
  event.fact = ProcessStarted{.executable = "/bin/other", .parent = {1}, .path = "0.1", .image = 1};
  modules.add(event);
  EXPECT_EQ(modules.name_of({2}, 0x180), "?");
}

}  // namespace
}  // namespace reprise::event
