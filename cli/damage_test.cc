// Damaged archives through the commands: they never crash or hang, and always say so.
//
// Each archive is read in a process of its own, so that one that crashes or hangs is told from the
// others and does not end the test.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "archive/sample_corruption.h"
#include "archive/sample_disk.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/terminal.h"

namespace reprise::cli {
namespace {

// One that takes longer hangs.
constexpr unsigned kPatienceSeconds = 60;
constexpr int kProblem = 77;  // exit code of a process that found one

struct Done {
  int code = -1;
  std::string out, err;
};

Done run(std::unique_ptr<Command> command, std::vector<std::string> words) {
  std::ostringstream out, err;
  Terminal terminal(out, err, {});
  Arguments arguments(command->manual().name);
  command->declare(arguments);
  if (!arguments.parse(std::move(words))) return {};
  const ExitCode code = command->run(terminal);
  return {static_cast<int>(code), out.str(), err.str()};
}

// What a person with a damaged archive may try next.
Done use(const std::string& path, std::uint32_t seed) {
  switch (seed % 5) {
    case 0:
      return run(make_ls_command(), {path, "--json"});
    case 1:
      return run(make_stats_command(), {path});
    case 2:
      return run(make_show_command(), {path, "7"});
    case 3:
      return run(make_show_command(), {path, "13", "--json"});
    default:
      return run(make_ls_command(), {path, "--find", "7011"});
  }
}

// What is wrong with how the commands took the archive; empty when nothing is.
std::string problem_with(const std::string& path, std::uint32_t seed) {
  const Done verified = run(make_verify_command(), {path, "--json"});
  if (verified.code != 2 && verified.code != 3) {
    return "verify ended with " + std::to_string(verified.code);
  }
  if (verified.out.empty()) {
    if (verified.err.empty()) return "verify said nothing";
  } else {
    const auto report = nlohmann::json::parse(verified.out);
    if (report["whole"] || (report["finished"] && report["damage"].empty())) {
      return "verify found nothing";
    }
  }
  const Done used = use(path, seed);
  if (used.code != 0 && used.code != 2 && used.code != 3) {
    return "another command ended with " + std::to_string(used.code) + ": " + used.err;
  }
  if (used.code != 0 && used.err.empty()) return "another command said nothing";
  return "";
}

class DamageTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "/damage-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    write(path("whole"), whole_->bytes);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ / (name + ".reprise"); }
  static void write(const std::string& path, const std::vector<std::uint8_t>& bytes) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }

  // Damages a copy as `seed` says and reads it in a new process.
  void start(std::uint32_t seed) {
    auto damaged = whole_->bytes;
    const std::string what = archive::Corruption(seed).apply(damaged);
    if (damaged == whole_->bytes) return;
    const std::string file = path(std::to_string(seed));
    const pid_t pid = ::fork();
    ASSERT_GE(pid, 0);
    if (pid != 0) {
      running_[pid] = what;
      return;
    }
    ::alarm(kPatienceSeconds);
    write(file, damaged);
    const std::string problem = problem_with(file, seed);
    std::filesystem::remove(file);
    if (!problem.empty()) std::fprintf(stderr, "%s: %s\n", what.c_str(), problem.c_str());
    ::_exit(problem.empty() ? 0 : kProblem);
  }

  void wait_for_one() {
    int status = 0;
    const pid_t pid = ::wait(&status);
    ASSERT_GT(pid, 0);
    const std::string what = running_[pid];
    running_.erase(pid);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
      ADD_FAILURE() << what << ": no end within " << kPatienceSeconds << " s";
    } else if (WIFSIGNALED(status)) {
      ADD_FAILURE() << what << ": crashed with signal " << WTERMSIG(status);
    } else {
      EXPECT_EQ(WEXITSTATUS(status), 0) << what;
    }
  }

  std::shared_ptr<archive::MemoryDisk> whole_ =
      archive::sample_disk({.exchanges = 20, .flush_every = 3});
  std::filesystem::path folder_;
  std::map<pid_t, std::string> running_;  // and what was done to its archive
};

// The control: without damage nothing is reported.
TEST_F(DamageTest, NoneIsReportedOfAWholeArchive) {
  const Done verified = run(make_verify_command(), {path("whole"), "--json"});
  EXPECT_EQ(verified.code, 0);
  EXPECT_TRUE(nlohmann::json::parse(verified.out)["whole"]);
  for (std::uint32_t seed = 0; seed < 5; ++seed) EXPECT_EQ(use(path("whole"), seed).code, 0);
  EXPECT_EQ(problem_with(path("whole"), 0), "verify ended with 0");
}

TEST_F(DamageTest, OfAnyKindIsReportedAndNeitherCrashesNorHangs) {
  const std::size_t at_once = std::max(1u, std::thread::hardware_concurrency());
  for (std::uint32_t seed = 0; seed < archive::corruptions_wanted(); ++seed) {
    start(seed);
    while (running_.size() >= at_once) wait_for_one();
  }
  while (!running_.empty()) wait_for_one();
}

}  // namespace
}  // namespace reprise::cli
