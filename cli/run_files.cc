#include "cli/run_files.h"

#include <fmt/format.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>

namespace reprise::cli {
namespace {

namespace fs = std::filesystem;

std::string temporary_name(const std::string& archive) {
  std::error_code ignored;
  return (fs::temp_directory_path(ignored) / fmt::format("{}-replay-{}-{}.reprise",
                                                         fs::path(archive).stem().string(),
                                                         std::time(nullptr), ::getpid()))
      .string();
}

}  // namespace

RunFiles::RunFiles(const std::string& archive, const std::string& output)
    : first_(output.empty() ? temporary_name(archive) : output), temporary_(output.empty()) {}

std::string RunFiles::of(std::uint64_t run) const {
  if (run == 1) return first_;
  const fs::path first(first_);
  const std::string name =
      fmt::format("{}-{}{}", first.stem().string(), run, first.extension().string());
  return (first.parent_path() / name).string();
}

std::string RunFiles::existing(std::uint64_t runs) const {
  for (std::uint64_t run = 2; run <= runs; ++run) {
    std::error_code ignored;
    if (fs::exists(of(run), ignored)) return of(run);
  }
  return "";
}

void RunFiles::drop(std::uint64_t run) const {
  std::error_code ignored;
  if (temporary_) fs::remove(of(run), ignored);
}

void RunFiles::settle(std::uint64_t run, bool same) {
  const bool first_different = !same && !has_different_;
  has_different_ = has_different_ || !same;
  if (temporary_ && run > 1 && !first_different) return drop(run);
  kept_.push_back(of(run));
}

}  // namespace reprise::cli
