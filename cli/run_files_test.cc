#include "cli/run_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace reprise::cli {
namespace {

namespace fs = std::filesystem;

std::string touched(const std::string& path) {
  std::ofstream(path) << "archive";
  return path;
}

TEST(RunFiles, NumberGoesBeforeTheExtension) {
  const RunFiles files("prod.reprise", "/tmp/some.dir/again.reprise");
  EXPECT_EQ(files.of(1), "/tmp/some.dir/again.reprise");
  EXPECT_EQ(files.of(12), "/tmp/some.dir/again-12.reprise");
  EXPECT_EQ(RunFiles("prod.reprise", "again").of(2), "again-2");
}

TEST(RunFiles, NamedOnesAllStay) {
  RunFiles files("prod.reprise", ::testing::TempDir() + "/named.reprise");
  for (std::uint64_t run = 1; run <= 3; ++run) {
    touched(files.of(run));
    files.settle(run, run == 1);
  }
  EXPECT_EQ(files.kept().size(), 3u);
  EXPECT_TRUE(fs::exists(files.of(3)));
}

TEST(RunFiles, OfTemporaryOnesTheFirstStaysAndTheFirstThatDiffers) {
  RunFiles files("prod.reprise", "");
  for (std::uint64_t run = 1; run <= 4; ++run) {
    touched(files.of(run));
    files.settle(run, run <= 2);
  }
  EXPECT_EQ(files.kept(), (std::vector<std::string>{files.of(1), files.of(3)}));
  EXPECT_TRUE(fs::exists(files.of(1)));
  EXPECT_FALSE(fs::exists(files.of(2)));
  EXPECT_TRUE(fs::exists(files.of(3)));
  EXPECT_FALSE(fs::exists(files.of(4)));
}

TEST(RunFiles, OneInTheWayIsFoundBeforeItsTurn) {
  const RunFiles files("prod.reprise", ::testing::TempDir() + "/way.reprise");
  EXPECT_EQ(files.existing(3), "");
  touched(files.of(3));
  EXPECT_EQ(files.existing(2), "");
  EXPECT_EQ(files.existing(3), files.of(3));
}

}  // namespace
}  // namespace reprise::cli
