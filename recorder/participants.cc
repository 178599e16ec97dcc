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
  const auto recorded = std::find_if(processes_.begin(), processes_.end(), [&](const auto& entry) {
    return entry.second->identity.slot == abi::kNone &&
           entry.second->identity.path == identity.path;
  });
  const event::ProcessId id =
      recorded != processes_.end() ? recorded->first : event::ProcessId{last_process_ + 1};
  ProcessState& process = recorded_process(id);
  process.identity = identity;
  process_of_slot_[identity.slot] = id;
  return process;
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

ThreadState& Participants::begin_thread(const ThreadIdentity& identity, event::ThreadId known) {
  if (identity.slot >= threads_.size()) threads_.resize(identity.slot + 1);
  std::unique_ptr<ThreadState>& place = threads_[identity.slot];
  const auto recorded = recorded_threads_.find(known);
  if (known && recorded != recorded_threads_.end()) {
    place = std::move(recorded->second);
    recorded_threads_.erase(recorded);
    // Its process is known with it, should the record that told that one's path have been lost.
    if (place->process->identity.slot == abi::kNone) {
      process_of_slot_.try_emplace(identity.process.slot, place->process->id);
    }
  } else {
    place = std::make_unique<ThreadState>();
    place->id = {++last_thread_};
  }
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

void Participants::each_process(const std::function<void(const ProcessState&)>& visit) const {
  for (const auto& [id, process] : processes_) visit(*process);
}

void Participants::each_thread(const std::function<void(ThreadState&)>& visit) {
  for (const auto& thread : threads_) {
    if (thread != nullptr) visit(*thread);
  }
  for (const auto& [id, thread] : recorded_threads_) visit(*thread);
}

ProcessState& Participants::recorded_process(event::ProcessId id) {
  std::unique_ptr<ProcessState>& place = processes_[id];
  if (place == nullptr) {
    place = std::make_unique<ProcessState>();
    place->id = id;
    last_process_ = std::max(last_process_, id.value);
  }
  return *place;
}

ThreadState& Participants::recorded_thread(event::ThreadId id, event::ProcessId process) {
  std::unique_ptr<ThreadState>& place = recorded_threads_[id];
  if (place == nullptr) {
    place = std::make_unique<ThreadState>();
    place->id = id;
    last_thread_ = std::max(last_thread_, id.value);
  }
  place->process = &recorded_process(process);
  return *place;
}

}  // namespace reprise::recorder
