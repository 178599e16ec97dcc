// How a recovery brings a collector to where the killed recorder's was: by the archive's own
// events.
#include <algorithm>

#include "recorder/collector.h"

namespace reprise::recorder {

void Collector::absorb_connections(const std::vector<event::Connection>& open,
                                   const std::map<event::ConnectionId, abi::Cookie>& sockets) {
  for (const event::Connection& connection : open)
    recorded_connections_[connection.id] = connection;
  for (const auto& [id, cookie] : sockets) recorded_connections_[id].socket = cookie;
}

// Facts that open a connection name it by number; the cookie that later records name it by is in
// the connection's own entry.
void Collector::reopen_recorded(const event::Event& event) {
  const auto reopen = [this](event::ConnectionId id) {
    if (!id || traffic_.connections().find(id) != nullptr) return;
    event::Connection info;
    info.id = id;
    const auto recorded = recorded_connections_.find(id);
    if (recorded != recorded_connections_.end()) {
      info.socket = recorded->second.socket;
      info.recorded = recorded->second.recorded;
    }
    traffic_.connections().reopen(info);
  };
  if (const auto* fact = std::get_if<event::Listened>(&event.fact)) reopen(fact->listener);
  if (const auto* fact = std::get_if<event::Connected>(&event.fact)) reopen(fact->connection);
  if (const auto* fact = std::get_if<event::Accepted>(&event.fact)) {
    reopen(fact->listener);
    reopen(fact->connection);
  }
  if (const auto* fact = std::get_if<event::Paired>(&event.fact)) {
    reopen(fact->first);
    reopen(fact->second);
  }
}

void Collector::absorb(const event::Event& event, bool told) {
  gate_.events = false;
  gate_.derived = !told;
  if (!event.thread) {  // the recorder's own
    outlet_.reserve_own(event.position);
    ProcessState* process = participants_.find(event.process);
    const auto* exit = std::get_if<event::ProcessExited>(&event.fact);
    if (process != nullptr && exit != nullptr) note_exit(*process, *exit);
    return;
  }
  // Time passes for the archive as it did for who wrote it. When that one told of a finished
  // exchange is not known, so none is told here: it may be missing from the file.
  if (event.exit.ticks > absorbed_until_.ticks + setting_.ticks_per_second) {
    absorbed_until_ = event.exit;
    traffic_.age(event.exit, setting_.ticks_per_second);
  }
  ThreadState& thread = participants_.recorded_thread(event.thread, event.process);
  if (thread.any_event && event.position <= thread.last_position) return;
  reopen_recorded(event);
  event::Event copy = event;
  if (const auto* range = std::get_if<event::FileRangeSent>(&event.fact)) {
    traffic_.range_recorded(thread, event, *range);
  } else if (std::holds_alternative<event::ClockRead>(event.fact) ||
             std::holds_alternative<event::RandomDrawn>(event.fact)) {
    // As it was found out then. Draws come before the input that told whose they are.
    ++early_draws_[event.context];
    count_early_draws();
  } else {
    apply(thread, event.position, copy, nullptr);
    note_decision(thread, event.fact);
    count_early_draws();
  }
  outlet_.emit(thread, event.position, copy);
}

void Collector::count_early_draws() {
  std::erase_if(early_draws_, [this](const auto& entry) {
    const auto& [context, count] = entry;
    const bool is_open = context.kind != event::Context::Kind::kExchange ||
                         traffic_.book().find(context.exchange) != nullptr;
    for (std::uint64_t i = 0; is_open && i < count; ++i) traffic_.book().count_draw(context);
    return is_open;
  });
}

void Collector::absorbed(std::uint64_t exchanges, std::uint64_t calls) {
  gate_.events = gate_.derived = true;
  recorded_connections_.clear();
  traffic_.book().reserve(exchanges, calls);
}

}  // namespace reprise::recorder
