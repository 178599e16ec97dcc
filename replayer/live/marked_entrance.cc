#include "replayer/live/marked_entrance.h"

#include "replayer/socket_address.h"

namespace reprise::replayer {

MarkedEntrance::MarkedEntrance(Stage& stage)
    : stage_(stage),
      listeners_(stage),
      ended_(std::make_unique<std::atomic<std::uint8_t>[]>(stage.control.header().link_count)) {}

abi::AnswerListen MarkedEntrance::listen(const abi::AskListen& ask, const std::string& process) {
  const std::lock_guard lock(mutex_);
  return listeners_.listen(ask, process);
}

std::optional<abi::AnswerPassed> MarkedEntrance::passed(abi::Cookie socket) const {
  const std::lock_guard lock(mutex_);
  return listeners_.passed(socket);
}

std::optional<abi::SocketAddress> MarkedEntrance::listening_at(
    const event::Address& address) const {
  const std::lock_guard lock(mutex_);
  return listeners_.at(address);
}

bool MarkedEntrance::is_open_for(const RecordedConnection& connection) const {
  return target(connection).has_value();
}

std::optional<abi::SocketAddress> MarkedEntrance::target(
    const RecordedConnection& connection) const {
  const std::lock_guard lock(mutex_);
  const Listening* listening = listeners_.standing_for(connection.listener);
  return listening == nullptr ? std::nullopt : std::optional(listening->actual);
}

bool MarkedEntrance::somebody_comes() const {
  const std::lock_guard lock(mutex_);
  return !coming_.empty();
}

std::string MarkedEntrance::unrecorded_listeners() const {
  const std::lock_guard lock(mutex_);
  return listeners_.unrecorded();
}

LinkId MarkedEntrance::enter(const RecordedConnection& connection, const std::string& address,
                             nanoseconds shift) {
  const abi::Mark opening{.offset = 0,
                          .entry = connection.opening_entry,
                          .flags = 0,
                          .monotonic_shift_ns = shift.count(),
                          .exchange = 0};
  const std::lock_guard lock(mutex_);
  const LinkId link = stage_.control.open_link(abi::LinkRole::kDriven, connection.id.value, opening,
                                               connection.tls.get());
  if (link) ended_[link.value].store(0, std::memory_order_relaxed);
  if (Listening* listening = listeners_.standing_for(connection.listener)) {
    listeners_.announce(*listening, opening);
  }
  coming_[address] = {&connection, link};
  return link;
}

void MarkedEntrance::begin(const RecordedExchange& exchange, nanoseconds shift) {
  stage_.clock.set_shift(exchange, shift);
}

bool MarkedEntrance::mark(LinkId link, const abi::Mark& mark, std::uint64_t consumed) {
  return stage_.control.publish(link, mark, consumed);
}

abi::AnswerAccept MarkedEntrance::accept(const abi::AskAccept& ask) {
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

event::ExchangeId MarkedEntrance::recorded_exchange(event::ConnectionId id,
                                                    std::uint64_t ordinal) const {
  const auto origin = origins_.find(id);
  if (origin == origins_.end()) return {};
  const RecordedExchange* exchange = stage_.plan.exchange(origin->second, ordinal);
  return exchange == nullptr ? event::ExchangeId{} : exchange->id;
}

void MarkedEntrance::on_event(const event::Event& event) {
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

void MarkedEntrance::leave(const std::string& address, LinkId link) {
  {
    const std::lock_guard lock(mutex_);
    if (coming_.erase(address) > 0) {  // the service never had it
      stage_.control.close_link(link);
      return;
    }
  }
  end(link, kClient);
}

void MarkedEntrance::end(LinkId link, End which) {
  if (!link) return;
  const std::uint8_t before = ended_[link.value].fetch_or(which, std::memory_order_acq_rel);
  if ((before | which) == (kClient | kService) && before != (kClient | kService)) {
    stage_.control.close_link(link);
  }
}

}  // namespace reprise::replayer
