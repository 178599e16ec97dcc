// Files that the recorded service read at its start, looked for here.
#include "replayer/start_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace reprise::replayer {
namespace {

namespace fs = std::filesystem;

class StartFilesTest : public ::testing::Test {
 protected:
  StartFilesTest() {
    fs::remove_all(root_);
    fs::create_directories(root_ / "there");
    fs::create_directories(root_ / "here");
  }

  // The file as a recording has it; then it may change. xxh3-64 of "port 80", of the xxhsum tool.
  event::FileOpened recorded(const fs::path& file) {
    std::ofstream(root_ / file) << "port 80";
    return {(root_ / file).string(), 0, 0, 7, 0, kPort80};
  }
  std::vector<FileDifference> differing(const event::FileOpened& file) {
    return differing_files({file}, (root_ / "there").string(), (root_ / "here").string());
  }

  static constexpr std::uint64_t kPort80 = 0x9d125010a539fb5d;
  const fs::path root_ = fs::path(::testing::TempDir()) / "start_files";
};

TEST_F(StartFilesTest, AFileThatIsTheSameIsNotMentioned) {
  EXPECT_TRUE(differing(recorded("conf")).empty());
}

TEST_F(StartFilesTest, OtherContentOfTheSameSizeIsToldByItsDigest) {
  const auto file = recorded("conf");
  std::ofstream(root_ / "conf") << "port 81";
  const auto found = differing(file);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].path, file.path);
  EXPECT_NE(found[0].digest, kPort80);
  EXPECT_NE(file_difference_text(found[0]).find("other content"), std::string::npos);
}

TEST_F(StartFilesTest, WhatWasNotLookedIntoIsComparedBySize) {
  auto file = recorded("conf");
  file.digest.reset();
  std::ofstream(root_ / "conf") << "port 81";
  EXPECT_TRUE(differing(file).empty());
  std::ofstream(root_ / "conf") << "port 8080";
  const auto found = differing(file);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].size, 9u);
  EXPECT_EQ(found[0].recorded_size, 7u);
}

TEST_F(StartFilesTest, AFileThatIsNotHereIsTold) {
  const auto file = recorded("conf");
  fs::remove(root_ / "conf");
  const auto found = differing(file);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NE(file_difference_text(found[0]).find("No such file"), std::string::npos);
}

TEST_F(StartFilesTest, WhatLayInTheWorkingDirectoryIsLookedForInThisOne) {
  const auto file = recorded("there/conf");
  std::ofstream(root_ / "there/conf") << "port 81";
  std::ofstream(root_ / "here/conf") << "port 80";
  EXPECT_TRUE(differing(file).empty());
  fs::remove(root_ / "here/conf");
  const auto found = differing(file);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].path, (root_ / "here/conf").string());
}

TEST_F(StartFilesTest, AFileThatChangedAtTheStartMayBeAsItWasAtAnyTime) {
  const auto before = recorded("state");
  auto after = before;
  after.file_size = 9;
  after.digest = 1;
  EXPECT_TRUE(differing_files({before, after}, "", "").empty());
  EXPECT_TRUE(differing_files({after, before}, "", "").empty());
  EXPECT_EQ(differing_files({after}, "", "").size(), 1u);
}

}  // namespace
}  // namespace reprise::replayer
