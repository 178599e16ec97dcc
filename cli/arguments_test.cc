#include "cli/arguments.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace reprise::cli {
namespace {

using Words = std::vector<std::string>;

// A command with an option of each kind.
struct Sample {
  std::string archive, policy = "relaxed", output;
  std::uint64_t at = 0;
  std::optional<std::uint64_t> only;
  std::optional<std::chrono::nanoseconds> slow;
  double speed = 1;
  Words status, program;
  bool json = false;

  Arguments arguments{"sample"};

  explicit Sample(bool program_required = false) {
    arguments.positional(archive, "ARCHIVE", "The archive.");
    arguments.option(output, "-o,--output", "FILE", "Where to.");
    arguments.choice(policy, "--policy", {"exact", "relaxed"}, "How strict.");
    arguments.option(at, "--at", "N", "Where.");
    arguments.option(only, "--only", "N", "Which.");
    arguments.option(slow, "--slow", "DURATION", "How slow.");
    arguments.option(speed, "--speed", "X", "How fast.");
    arguments.option(status, "--status", "STATUS", "Which ones.");
    arguments.flag(json, "--json", "For programs.");
    arguments.program(program, program_required, "What to run.");
  }
  std::string error(Words words) {
    const auto parsed = arguments.parse(std::move(words));
    return parsed ? "" : parsed.error();
  }
};

class ArgumentsTest : public testing::Test {
 protected:
  ArgumentsTest() { ::unsetenv("REPRISE_CONFIG"); }
  ~ArgumentsTest() override {
    for (const char* name : {"REPRISE_SAMPLE_AT", "REPRISE_SAMPLE_JSON", "REPRISE_SAMPLE_POLICY",
                             "REPRISE_SAMPLE_STATUS", "REPRISE_CONFIG"}) {
      ::unsetenv(name);
    }
    std::filesystem::remove(config_);
  }
  std::string write_config(const std::string& text) {
    std::ofstream(config_) << text;
    return config_;
  }

 private:
  std::string config_ = testing::TempDir() + "arguments_test." + std::to_string(getpid()) + ".toml";
};

TEST_F(ArgumentsTest, ReadsEveryKindOfOption) {
  Sample sample;
  EXPECT_EQ(sample.error({"a.reprise", "-o", "out", "--policy", "exact", "--at", "7", "--only=3",
                          "--slow", "1.5ms", "--speed", "2.5", "--status", "500", "--status", "4xx",
                          "--json"}),
            "");
  EXPECT_EQ(sample.archive, "a.reprise");
  EXPECT_EQ(sample.output, "out");
  EXPECT_EQ(sample.policy, "exact");
  EXPECT_EQ(sample.at, 7u);
  EXPECT_EQ(sample.only, 3u);
  EXPECT_EQ(sample.slow, std::chrono::microseconds(1500));
  EXPECT_EQ(sample.speed, 2.5);
  EXPECT_EQ(sample.status, (Words{"500", "4xx"}));
  EXPECT_TRUE(sample.json);
}

TEST_F(ArgumentsTest, RepeatedOptionDoesNotSwallowThePositionalBehindIt) {
  Sample sample;
  EXPECT_EQ(sample.error({"--status", "500", "a.reprise"}), "");
  EXPECT_EQ(sample.archive, "a.reprise");
  EXPECT_EQ(sample.status, (Words{"500"}));
}

TEST_F(ArgumentsTest, WhatStandsBehindDashesIsNotTouched) {
  Sample sample(true);
  const Words program = {"./service", "--at", "9", "[::1]", "", "--", "-x"};
  Words words = {"a.reprise", "--"};
  words.insert(words.end(), program.begin(), program.end());
  EXPECT_EQ(sample.error(words), "");
  EXPECT_EQ(sample.program, program);
  EXPECT_EQ(sample.at, 0u);
}

TEST_F(ArgumentsTest, MissingProgramIsAskedForWithItsPlace) {
  Sample sample(true);
  EXPECT_NE(sample.error({"a.reprise"}).find("behind `--`"), std::string::npos);
  Sample forgotten(true);
  EXPECT_NE(forgotten.error({"a.reprise", "./service"}).find("behind `--`"), std::string::npos);
}

TEST_F(ArgumentsTest, BadValuesAreErrorsThatNameThem) {
  EXPECT_NE(Sample().error({"a", "--at", "x"}).find("--at"), std::string::npos);
  EXPECT_NE(Sample().error({"a", "--at", "-1"}).find("--at"), std::string::npos);
  EXPECT_NE(Sample().error({"a", "--policy", "lax"}).find("exact|relaxed"), std::string::npos);
  EXPECT_NE(Sample().error({"a", "--slow", "fast"}).find("250ms"), std::string::npos);
  EXPECT_NE(Sample().error({"a", "--nonsense"}).find("--nonsense"), std::string::npos);
  EXPECT_NE(Sample().error({}).find("ARCHIVE"), std::string::npos);
}

TEST_F(ArgumentsTest, CommandLineCountsBeforeEnvironmentBeforeFile) {
  const std::string config = write_config(
      "[sample]\nat = 1\npolicy = \"exact\"\nspeed = 4\nstatus = [\"500\", \"404\"]\njson = true\n"
      "[other]\nwhatever = 3\n");
  ::setenv("REPRISE_SAMPLE_AT", "2", 1);
  ::setenv("REPRISE_SAMPLE_POLICY", "relaxed", 1);
  Sample sample;
  EXPECT_EQ(sample.error({"a", "--config", config, "--at", "3"}), "");
  EXPECT_EQ(sample.at, 3u);
  EXPECT_EQ(sample.policy, "relaxed");
  EXPECT_EQ(sample.speed, 4);
  EXPECT_EQ(sample.status, (Words{"500", "404"}));
  EXPECT_TRUE(sample.json);
}

TEST_F(ArgumentsTest, FlagCanBeSwitchedOffFromTheEnvironment) {
  const std::string config = write_config("[sample]\njson = true\n");
  ::setenv("REPRISE_SAMPLE_JSON", "false", 1);
  ::setenv("REPRISE_CONFIG", config.c_str(), 1);
  Sample sample;
  EXPECT_EQ(sample.error({"a"}), "");
  EXPECT_FALSE(sample.json);
}

TEST_F(ArgumentsTest, ErrorsInTheEnvironmentAndTheFileSayWhereTheyAre) {
  ::setenv("REPRISE_SAMPLE_AT", "soon", 1);
  EXPECT_NE(Sample().error({"a"}).find("REPRISE_SAMPLE_AT"), std::string::npos);
  ::unsetenv("REPRISE_SAMPLE_AT");
  const std::string config = write_config("[sample]\nspede = 1\n");
  const std::string error = Sample().error({"a", "--config", config});
  EXPECT_NE(error.find(config), std::string::npos);
  EXPECT_NE(error.find("spede"), std::string::npos);
  EXPECT_NE(Sample().error({"a", "--config", "/none.toml"}).find("/none.toml"), std::string::npos);
}

TEST_F(ArgumentsTest, HelpNeedsNothingElse) {
  Sample sample(true);
  const auto parsed = sample.arguments.parse({"--help"});
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->help);
}

TEST(ParseDuration, TakesUnitsAndDefaultsToSeconds) {
  using namespace std::chrono_literals;
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("1.5s"), 1500ms);
  EXPECT_EQ(parse_duration("2"), 2s);
  EXPECT_EQ(parse_duration("3m"), 3min);
  EXPECT_EQ(parse_duration("7us"), 7us);
  for (const char* bad : {"", "ms", "5 parsecs", "-1s", "nan", "inf", "1e30h"}) {
    EXPECT_FALSE(parse_duration(bad)) << bad;
  }
}

}  // namespace
}  // namespace reprise::cli
