#include "recorder/connection_table.h"

#include <algorithm>

namespace reprise::recorder {

ConnectionState* ConnectionTable::find(abi::Cookie cookie) {
  if (latest_ != nullptr && latest_->info.socket == cookie && cookie != 0) return latest_;
  const std::uint32_t place = by_cookie_.find(cookie);
  if (place == FlatIndex::kNowhere) return nullptr;
  return latest_ = places_[place].get();
}

ConnectionState* ConnectionTable::find(event::ConnectionId id) {
  if (latest_ != nullptr && latest_->info.id == id) return latest_;
  const std::uint32_t place = by_id_.find(id.value);
  if (place == FlatIndex::kNowhere) return nullptr;
  return latest_ = places_[place].get();
}

ConnectionState& ConnectionTable::open(abi::Cookie cookie) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(places_.size()));
    places_.push_back(nullptr);
  }
  const std::uint32_t place = free_.back();
  free_.pop_back();
  places_[place] = std::make_unique<ConnectionState>();
  ConnectionState& state = *places_[place];
  state.place = place;
  state.info.id = {++last_id_};
  state.info.socket = cookie;
  by_id_.insert(state.info.id.value, place);
  if (cookie != 0) by_cookie_.insert(cookie, place);
  return state;
}

void ConnectionTable::close(ConnectionState& state) {
  const auto pair = by_pair_.find(pair_key(state.info.local, state.info.peer));
  if (pair != by_pair_.end() && pair->second == state.info.id) by_pair_.erase(pair);
  by_id_.erase(state.info.id.value);
  if (state.info.socket != 0 && by_cookie_.find(state.info.socket) == state.place) {
    by_cookie_.erase(state.info.socket);
  }
  if (latest_ == &state) latest_ = nullptr;
  const std::uint32_t place = state.place;
  places_[place].reset();
  free_.push_back(place);
}

std::string ConnectionTable::pair_key(const event::Address& first, const event::Address& second) {
  return first.text + " " + second.text;
}

ConnectionState* ConnectionTable::pair_up(ConnectionState& state) {
  const event::Connection& info = state.info;
  // Unix sockets that connect are unnamed: nothing tells two of them apart.
  const bool named = !info.local.text.empty() && !info.peer.text.empty() &&
                     info.local.text != "unix:" && info.peer.text != "unix:";
  if (!named) return nullptr;
  by_pair_.insert_or_assign(pair_key(info.local, info.peer), info.id);
  const auto other = by_pair_.find(pair_key(info.peer, info.local));
  if (other == by_pair_.end() || other->second == info.id) return nullptr;
  return find(other->second);
}

ConnectionState* ConnectionTable::pair_up_unix(ConnectionState& state, std::int32_t pid) {
  const bool accepted = state.info.direction == event::Direction::kInbound;
  const std::string& listener = accepted ? state.info.local.text : state.info.peer.text;
  auto& waiting = unpaired_[listener + " " + std::to_string(pid)];
  while (!waiting.empty()) {
    ConnectionState* other = find(waiting.front());
    if (other != nullptr && other->info.direction == state.info.direction) break;
    waiting.erase(waiting.begin());
    if (other != nullptr) return other;
  }
  waiting.push_back(state.info.id);
  return nullptr;
}

void ConnectionTable::each(const std::function<void(ConnectionState&)>& visit) {
  // By number, so that what is reported about all of them comes in a stable order.
  std::vector<ConnectionState*> all;
  for (const auto& state : places_) {
    if (state != nullptr) all.push_back(state.get());
  }
  std::sort(all.begin(), all.end(), [](const ConnectionState* a, const ConnectionState* b) {
    return a->info.id < b->info.id;
  });
  for (ConnectionState* state : all) visit(*state);
}

}  // namespace reprise::recorder
