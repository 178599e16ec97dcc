#include "recorder/outlet.h"

#include <algorithm>
#include <utility>

namespace reprise::recorder {

void Outlet::emit(ThreadState& thread, std::uint64_t position, event::Event& event) {
  event.process = thread.process->id;
  event.thread = thread.id;
  event.position = thread.any_event ? std::max(position, thread.last_position + 1) : position;
  thread.last_position = event.position;
  thread.any_event = true;
  thread.last_exit = std::max(thread.last_exit, event.exit);
  send(event);
}

void Outlet::emit_own(event::ProcessId process, event::Stamp stamp, event::Fact fact) {
  event::Event event;
  event.process = process;
  event.position = ++own_position_;
  event.enter = event.exit = stamp;
  event.fact = std::move(fact);
  send(event);
}

void Outlet::gap(ThreadState& thread, std::uint64_t position, const event::Gap& gap) {
  event::Event event;
  event.enter = event.exit = std::max(thread.last_exit, latest_);
  event.fact = gap;
  emit(thread, position, event);
}

void Outlet::send(const event::Event& event) {
  latest_ = std::max(latest_, event.exit);
  if (const auto* gap = std::get_if<event::Gap>(&event.fact)) {
    ++counts_.gaps;
    counts_.dropped += gap->records;
  }
  sink_.on_event(event);
  for (event::Observer* observer : observers_) observer->on_event(event);
}

}  // namespace reprise::recorder
