#include "recorder/participants.h"

#include <algorithm>
#include <utility>

namespace reprise::recorder {

ProcessState& Participants::process(const ProcessIdentity& identity) {
  const auto known = process_of_slot_.find(identity.slot);
  if (known != process_of_slot_.end()) {
    ProcessState& process = *processes_[known->second];
    process.identity = identity;
    return process;
  }
  const event::ProcessId id{++last_process_};
  std::unique_ptr<ProcessState>& place = processes_[id];
  place = std::make_unique<ProcessState>();
  place->id = id;
  place->identity = identity;
  process_of_slot_[identity.slot] = id;
  return *place;
}

ProcessState* Participants::process_at(std::uint32_t slot) {
  const auto known = process_of_slot_.find(slot);
  return known == process_of_slot_.end() ? nullptr : find(known->second);
}

ProcessState* Participants::find(event::ProcessId id) {
  const auto found = processes_.find(id);
  return found == processes_.end() ? nullptr : found->second.get();
}

bool Participants::has_pid(std::int32_t pid) const {
  return std::ranges::any_of(processes_, [pid](const auto& entry) {
    return pid != 0 && entry.second->identity.pid == pid;
  });
}

void Participants::forget(ProcessState& process) {
  process_of_slot_.erase(process.identity.slot);
  processes_.erase(process.id);
}

ThreadState& Participants::begin_thread(const ThreadIdentity& identity) {
  if (identity.slot >= threads_.size()) threads_.resize(identity.slot + 1);
  std::unique_ptr<ThreadState>& place = threads_[identity.slot];
  place = std::make_unique<ThreadState>();
  place->id = {++last_thread_};
  place->identity = identity;
  place->process = &process(identity.process);
  return *place;
}

ThreadState* Participants::thread_at(std::uint32_t slot) {
  return slot < threads_.size() ? threads_[slot].get() : nullptr;
}

const ThreadState* Participants::thread_at(std::uint32_t slot) const {
  return slot < threads_.size() ? threads_[slot].get() : nullptr;
}

void Participants::end_thread(std::uint32_t slot) {
  if (slot < threads_.size()) threads_[slot].reset();
}

void Participants::each_thread(const std::function<void(ThreadState&)>& visit) {
  for (const auto& thread : threads_) {
    if (thread != nullptr) visit(*thread);
  }
}

}  // namespace reprise::recorder
