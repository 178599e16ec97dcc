#include "replayer/listeners.h"

#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "replayer/socket_address.h"

namespace reprise::replayer {
namespace {

// Whether clients of the one could connect to the other: they are Internet addresses both, or
// neither is.
bool same_kind(const event::Address& recorded, const abi::SocketAddress& asked) {
  return recorded.text.starts_with("unix:") == (family_of(asked) == AF_UNIX);
}

}  // namespace

// Workers may each listen on the same address (SO_REUSEPORT): theirs is what their process had.
const RecordedListener* Listeners::recorded_for(const abi::AskListen& ask,
                                                const std::string& process) {
  const std::string asked = address_text(ask.asked);
  const RecordedListener* same_address = nullptr;
  const RecordedListener* same_port = nullptr;
  const RecordedListener* any = nullptr;
  for (const RecordedListener& recorded : stage_.plan.listeners) {
    const auto taken = [&](const Listening& l) { return l.recorded == &recorded; };
    if (std::ranges::any_of(listening_, taken)) continue;
    if (recorded.local.text == asked) {
      if (recorded.process == process) return &recorded;
      if (same_address == nullptr) same_address = &recorded;
    }
    if (!same_kind(recorded.local, ask.asked)) continue;
    // A source is named by whoever wrote the service: another name is another source.
    if (is_spoken(ask.asked) || is_spoken(to_abi(recorded.local))) continue;
    if (same_port == nullptr && port_of(recorded.local) == port_of(ask.asked))
      same_port = &recorded;
    if (any == nullptr) any = &recorded;
  }
  if (same_address != nullptr) return same_address;
  if (is_spoken(ask.asked)) {
    stage_.ledger.diverge({{}, Divergence::Kind::kListen, "", "takes inputs of " + asked});
    return nullptr;
  }
  if (same_port != nullptr || any == nullptr || port_of(ask.asked) == 0) {
    return same_port != nullptr ? same_port : any;
  }
  stage_.ledger.diverge(
      {{}, Divergence::Kind::kListen, "listens on " + any->local.text, "listens on " + asked});
  return any;
}

abi::AnswerListen Listeners::listen(const abi::AskListen& ask, const std::string& process) {
  abi::AnswerListen answer{};
  answer.link = abi::kNone;
  answer.local = ask.asked;
  const auto again = [&](const Listening& l) { return l.socket == ask.socket; };
  if (const auto known = std::ranges::find_if(listening_, again); known != listening_.end()) {
    answer.link = known->link.value;
    return answer;
  }
  const RecordedListener* recorded = recorded_for(ask, process);
  Listening listening{.recorded = recorded,
                      .socket = ask.socket,
                      .asked = address_text(ask.asked),
                      .actual = ask.actual};
  if (recorded != nullptr) {
    abi::Mark opening{};
    opening.entry = abi::kNone;
    listening.link =
        stage_.control.open_link(abi::LinkRole::kListener, recorded->id.value, opening);
    if (port_of(ask.asked) == 0) answer.local = to_abi(recorded->local);
  }
  answer.link = listening.link.value;
  listening.told = answer.local;
  listening_.push_back(listening);
  return answer;
}

const Listening* Listeners::standing_for(event::ConnectionId listener) const {
  const auto found = std::ranges::find_if(listening_, [&](const Listening& l) {
    return l.recorded != nullptr && l.recorded->id == listener;
  });
  return found == listening_.end() ? nullptr : &*found;
}

std::optional<abi::AnswerPassed> Listeners::passed(abi::Cookie socket) const {
  for (const Listening& listening : listening_) {
    if (listening.socket != socket) continue;
    abi::AnswerPassed answer{};
    answer.link = listening.link.value;
    answer.local = listening.told;
    return answer;
  }
  return std::nullopt;
}

std::string Listeners::unrecorded() const {
  std::string text;
  for (const Listening& listening : listening_) {
    if (listening.recorded != nullptr) continue;
    text += (text.empty() ? "" : ", ") + listening.asked;
  }
  return text;
}

std::optional<abi::SocketAddress> Listeners::at(const event::Address& address) const {
  for (const Listening& listening : listening_) {
    if (listening.recorded == nullptr) continue;
    const event::Address& local = listening.recorded->local;
    const bool any_address = local.text.starts_with("0.0.0.0:") || local.text.starts_with("[::]:");
    if (local.text == address.text || (any_address && port_of(local) == port_of(address))) {
      return listening.actual;
    }
  }
  return std::nullopt;
}

Listening* Listeners::standing_for(event::ConnectionId listener) {
  return const_cast<Listening*>(std::as_const(*this).standing_for(listener));
}

void Listeners::announce(Listening& listening, const abi::Mark& opening) {
  abi::Mark accepting = opening;
  accepting.offset = listening.opened++;
  accepting.flags = 0;
  (void)stage_.control.publish(listening.link, accepting, accepting.offset);
}

}  // namespace reprise::replayer
