#include "replayer/unseen_children.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "replayer/silent_threads.h"

namespace reprise::replayer {
namespace {

bool speaks(abi::ProcessState state) {
  return state == abi::ProcessState::kClaimed || state == abi::ProcessState::kLive ||
         state == abi::ProcessState::kExecuting;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

bool UnseenChildren::any() {
  const std::vector<Told> told = read_slots();
  settled_.resize(std::max(settled_.size(), told.size()));
  for (std::size_t index = 0; index < told.size(); ++index) {
    if (told[index] == settled_[index]) continue;
    if (told[index].pid != 0 && has_unseen(told[index].pid)) return true;
    settled_[index] = told[index];
  }
  return false;
}

std::vector<UnseenChildren::Told> UnseenChildren::read_slots() {
  std::vector<Told> told(threads_.processes());
  speaking_.clear();
  for (std::uint32_t index = 0; index < told.size(); ++index) {
    const abi::ProcessSlot& slot = threads_.process(index);
    if (!speaks(slot.state.load(std::memory_order_acquire))) continue;
    speaking_.push_back(slot.pid);
    told[index].pid = slot.pid;
    told[index].made = slot.children.load(std::memory_order_acquire);
    if (slot.parent < told.size()) ++told[slot.parent].live;
  }
  return told;
}

bool UnseenChildren::has_unseen(std::int32_t pid) {
  std::error_code gone;
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  for (std::filesystem::directory_iterator at(tasks, gone), end; !gone && at != end;
       at.increment(gone)) {
    std::ifstream children(at->path() / "children");
    for (std::int32_t child = 0; children >> child;) {
      if (is_unseen(child)) return true;
    }
  }
  return false;
}

bool UnseenChildren::is_unseen(std::int32_t child) {
  const char state = task_state(read_file("/proc/" + std::to_string(child) + "/stat"));
  const bool ended = state == '\0' || state == 'Z' || state == 'X';
  if (ended || std::ranges::find(speaking_, child) != speaking_.end()) {
    since_.erase(child);
    return false;
  }
  const Instant now = std::chrono::steady_clock::now();
  const auto [since, added] = since_.try_emplace(child, now);
  return now - since->second < kPatience;
}

}  // namespace reprise::replayer
