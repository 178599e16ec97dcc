#include "diff/alignment.h"

namespace reprise::diff {
namespace {

std::unordered_map<std::uint64_t, std::uint64_t> recorded_connections(archive::Reader& reader) {
  std::unordered_map<std::uint64_t, std::uint64_t> recorded;
  reader.each_connection([&](const event::Connection& connection) {
    if (connection.recorded != 0) recorded[connection.id.value] = connection.recorded;
    return true;
  });
  return recorded;
}

}  // namespace

Alignment::Alignment(archive::Reader& base, archive::Reader& candidate) {
  const archive::Header& one = base.header();
  const archive::Header& other = candidate.header();
  const bool candidate_replays_base = other.replay && other.replay_of == one.session;
  const bool base_replays_candidate = one.replay && one.replay_of == other.session;
  const bool siblings = one.replay && other.replay && one.replay_of == other.replay_of;
  const bool same = one.session == other.session;
  if (candidate_replays_base || base_replays_candidate || siblings || same) {
    kind_ = Kind::kRecordedConnection;
    base_recorded_ = !same && (base_replays_candidate || siblings);
    candidate_recorded_ = !same && (candidate_replays_base || siblings);
    if (base_recorded_) base_connections_ = recorded_connections(base);
    if (candidate_recorded_) candidate_connections_ = recorded_connections(candidate);
  }
  candidate.each_exchange([&](const event::Exchange& exchange) {
    waiting_[key_of(exchange, candidate_recorded_ ? &candidate_connections_ : nullptr)]
        .ids.push_back(exchange.id.value);
    return true;
  });
}

// Empty for an exchange that stands for none of the recording.
std::string Alignment::key_of(const event::Exchange& exchange, const Connections* recorded) const {
  if (kind_ == Kind::kMethodAndTarget) return exchange.method + " " + exchange.target;
  std::uint64_t connection = exchange.connection.value;
  if (recorded != nullptr) {
    const auto place = recorded->find(connection);
    if (place == recorded->end()) return "";
    connection = place->second;
  }
  return std::to_string(connection) + "/" + std::to_string(exchange.ordinal);
}

std::optional<event::ExchangeId> Alignment::take(const event::Exchange& exchange) {
  const std::string key = key_of(exchange, base_recorded_ ? &base_connections_ : nullptr);
  const auto place = waiting_.find(key);
  if (key.empty() || place == waiting_.end() || place->second.next == place->second.ids.size()) {
    return std::nullopt;
  }
  const std::uint64_t id = place->second.ids[place->second.next++];
  taken_.insert(id);
  return event::ExchangeId{id};
}

bool Alignment::left(event::ExchangeId candidate) const {
  return !taken_.contains(candidate.value);
}

}  // namespace reprise::diff
