#include "replayer/live/entrance.h"

#include "replayer/socket_address.h"

namespace reprise::replayer {

Entrance::Entrance(Stage& stage)
    : stage_(stage),
      listeners_(stage),
      ended_(std::make_unique<std::atomic<std::uint8_t>[]>(stage.control.header().link_count)) {}

abi::AnswerListen Entrance::listen(const abi::AskListen& ask, const std::string& process) {
  const std::lock_guard lock(mutex_);
  return listeners_.listen(ask, process);
}

std::optional<abi::SocketAddress> Entrance::listening_at(const event::Address& address) const {
  const std::lock_guard lock(mutex_);
  return listeners_.at(address);
}

bool Entrance::is_open_for(const RecordedConnection& connection) const {
  return target(connection).has_value();
}

std::optional<abi::SocketAddress> Entrance::target(const RecordedConnection& connection) const {
  const std::lock_guard lock(mutex_);
  const Listening* listening = listeners_.standing_for(connection.listener);
  return listening == nullptr ? std::nullopt : std::optional(listening->actual);
}

bool Entrance::somebody_comes() const {
  const std::lock_guard lock(mutex_);
  return !coming_.empty();
}

std::string Entrance::unrecorded_listeners() const {
  const std::lock_guard lock(mutex_);
  return listeners_.unrecorded();
}

std::optional<Entrance::Way> Entrance::lead(const RecordedConnection& connection,
                                            const std::string& address, const abi::Mark& opening) {
  const std::lock_guard lock(mutex_);
  Listening* listening = listeners_.standing_for(connection.listener);
  if (listening == nullptr) return std::nullopt;
  const LinkId link =
      stage_.control.open_link(abi::LinkRole::kDriven, connection.id.value, opening);
  if (link) ended_[link.value].store(0, std::memory_order_relaxed);
  listeners_.announce(*listening, opening);
  coming_[address] = {&connection, link};
  return Way{listening->actual, link};
}

abi::AnswerAccept Entrance::accept(const abi::AskAccept& ask) {
  abi::AnswerAccept answer{};
  answer.link = abi::kNone;
  answer.peer = ask.actual_peer;
  Coming coming;
  {
    const std::lock_guard lock(mutex_);
    auto found = coming_.extract(address_text(ask.actual_peer));
    if (found.empty()) return answer;  // the service's own, or somebody else's
    coming = found.mapped();
  }
  accepted_[ask.socket] = coming.link;
  answer.link = coming.link.value;
  answer.recorded = coming.recorded->id.value;
  if (!coming.recorded->peer.raw.empty()) answer.peer = to_abi(coming.recorded->peer);
  answer.local = to_abi(coming.recorded->local);
  return answer;
}

event::ExchangeId Entrance::recorded_exchange(event::ConnectionId id, std::uint64_t ordinal) const {
  const auto origin = origins_.find(id);
  if (origin == origins_.end()) return {};
  const RecordedExchange* exchange = stage_.plan.exchange(origin->second, ordinal);
  return exchange == nullptr ? event::ExchangeId{} : exchange->id;
}

void Entrance::on_event(const event::Event& event) {
  if (const auto* accepted = std::get_if<event::Accepted>(&event.fact)) {
    if (accepted->recorded == 0) return;
    origins_[accepted->connection] = {accepted->recorded};
    const event::Connection* connection = stage_.service.connection(accepted->connection);
    if (connection == nullptr) return;
    const auto link = accepted_.extract(connection->socket);
    if (!link.empty()) links_[accepted->connection] = link.mapped();
  } else if (const auto* closed = std::get_if<event::Closed>(&event.fact)) {
    const auto link = links_.extract(closed->connection);
    if (!link.empty()) end(link.mapped(), kService);
  }
}

void Entrance::leave(const std::string& address, LinkId link) {
  {
    const std::lock_guard lock(mutex_);
    if (coming_.erase(address) > 0) {  // the service never had it
      stage_.control.close_link(link);
      return;
    }
  }
  end(link, kClient);
}

void Entrance::end(LinkId link, End which) {
  if (!link) return;
  const std::uint8_t before = ended_[link.value].fetch_or(which, std::memory_order_acq_rel);
  if ((before | which) == (kClient | kService) && before != (kClient | kService)) {
    stage_.control.close_link(link);
  }
}

}  // namespace reprise::replayer
