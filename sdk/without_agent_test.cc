// A program with the SDK and without the agent is the program without the SDK.
#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>

#include "sdk/reprise.h"

namespace reprise {
namespace {

TEST(WithoutAgent, ThereAreNoEntryPoints) { EXPECT_EQ(reprise_call_begin, nullptr); }

TEST(WithoutAgent, AnAnnotatedCallIsACall) {
  EXPECT_EQ(external_call("add", 2, 3, [](int a, int b) { return a + b; }), 5);
  EXPECT_THROW(external_call("fails", [] { throw std::logic_error("own"); }), std::logic_error);
}

TEST(WithoutAgent, ASourceGivesWhatItsFunctionGives) {
  Source<std::string> source("words");
  int left = 2;
  const auto fetch = [&]() -> std::optional<std::string> {
    return left-- > 0 ? std::optional<std::string>("word") : std::nullopt;
  };
  int got = 0;
  while (auto word = source.next(fetch)) {
    EXPECT_EQ(*word, "word");
    word.reply(got++);
  }
  EXPECT_EQ(got, 2);
}

TEST(WithoutAgent, TicksComeFromABoolOrFromNothing) {
  Source<Tick> source("ticks");
  EXPECT_TRUE(source.next([] {}));
  EXPECT_TRUE(source.next([] { return true; }));
  EXPECT_FALSE(source.next([] { return false; }));
}

TEST(WithoutAgent, ACarriedFunctionIsTheFunction) {
  auto twice = carry([](int value) { return 2 * value; });
  EXPECT_EQ(twice(4), 8);
  const Scope scope(Context::current());
}

}  // namespace
}  // namespace reprise
