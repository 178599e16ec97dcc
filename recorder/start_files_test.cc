// Files of the start: which are told, and what is said of their content.
#include "recorder/start_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>
#include <vector>

#include "recorder/testing/recorded_service.h"

namespace reprise::recorder {
namespace {

constexpr abi::Cookie kListener = 1;

// Records that the service opened the file, as it is now.
void open_file(SyntheticThread& thread, const std::string& path) {
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  abi::FileOpened body{};
  body.device = status.st_dev;
  body.inode = status.st_ino;
  body.file_size = static_cast<std::uint64_t>(status.st_size);
  body.modified_ns = static_cast<std::uint64_t>(status.st_mtim.tv_sec) * 1'000'000'000 +
                     static_cast<std::uint64_t>(status.st_mtim.tv_nsec);
  thread.write(abi::RecordType::kFileOpened, body, path + '\0');
}

std::vector<event::FileOpened> told_files(const RecordedService& recorded) {
  std::vector<event::FileOpened> files;
  for (const event::Event* event : recorded.sink.of<event::FileOpened>()) {
    files.push_back(std::get<event::FileOpened>(event->fact));
  }
  return files;
}

TEST(StartFilesTest, AFileOfTheStartIsToldOnceWithItsDigest) {
  const std::string one = ::testing::TempDir() + "one", same = ::testing::TempDir() + "same";
  std::ofstream(one) << "port 80";
  std::ofstream(same) << "port 80";
  RecordedService recorded;
  open_file(recorded.thread(), one);
  open_file(recorded.thread(), same);
  open_file(recorded.thread(), one);
  recorded.finish();
  const auto files = told_files(recorded);
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0].path, one);
  EXPECT_EQ(files[0].file_size, 7u);
  ASSERT_TRUE(files[0].digest);
  EXPECT_EQ(files[0].digest, files[1].digest);
}

TEST(StartFilesTest, AFileThatChangedSinceItWasReadHasNoDigest) {
  const std::string path = ::testing::TempDir() + "changing";
  std::ofstream(path) << "port 80";
  RecordedService recorded;
  open_file(recorded.thread(), path);
  std::ofstream(path) << "port 8080";
  recorded.finish();
  const auto files = told_files(recorded);
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].file_size, 7u);
  EXPECT_FALSE(files[0].digest);
}

TEST(StartFilesTest, AFileThatIsReadForAClientIsNotToldOf) {
  const std::string path = ::testing::TempDir() + "page";
  std::ofstream(path) << "<html>";
  RecordedService recorded;
  recorded.thread().accept(kListener, 10, 80, 5000);
  open_file(recorded.thread(), path);
  recorded.finish();
  EXPECT_TRUE(told_files(recorded).empty());
}

}  // namespace
}  // namespace reprise::recorder
