#include "recorder/exchange_book.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace reprise::recorder {
namespace {

// Retired exchanges that late work may still be counted in.
constexpr std::size_t kRemembered = 64;

// Fresh values in a used object; its strings keep their memory.
void reset(event::Exchange& exchange) {
  exchange.method.clear();
  exchange.target.clear();
  exchange.status.clear();
  exchange.incomplete_why.clear();
  exchange.request = exchange.response = {};
  exchange.first_byte_in = exchange.last_byte_in = {};
  exchange.first_byte_out = exchange.last_byte_out = {};
  exchange.complete = false;
  exchange.calls = exchange.draws = 0;
}

void reset(event::Call& call) {
  call.peer.clear();
  call.operation.clear();
  call.target.clear();
  call.status.clear();
  call.protocol = event::Protocol::kUnknown;
  call.ordinal = 0;
  call.request = call.response = {};
  call.first_byte_out = call.last_byte_out = call.first_byte_in = call.last_byte_in = {};
  call.prelude = call.complete = false;
}

}  // namespace

OpenExchange& ExchangeBook::begin_exchange() {
  std::uint32_t place = FlatIndex::kNowhere;
  const bool enough = retired_.size() > kRemembered;
  if (enough && exchanges_[retired_.front()]->open_calls == 0) {
    place = retired_.front();
    retired_.pop_front();
    tell(*exchanges_[place]);
    by_id_.erase(exchanges_[place]->exchange.id.value);
  } else {
    if (enough) {  // the oldest still waits for an answer: the next time another one is looked at
      retired_.push_back(retired_.front());
      retired_.pop_front();
    }
    place = static_cast<std::uint32_t>(exchanges_.size());
    exchanges_.push_back(std::make_unique<OpenExchange>());
  }
  OpenExchange& open = *exchanges_[place];
  reset(open.exchange);
  open.push = open.request_whole = open.response_whole = open.answered = false;
  open.worked_for = open.retired = open.told = false;
  open.counted = true;
  ++unanswered_;
  open.open_calls = 0;
  open.ordinals.clear();
  open.exchange.id = {++counts_.exchanges};
  by_id_.insert(open.exchange.id.value, place);
  return open;
}

OpenExchange* ExchangeBook::find(event::ExchangeId id) {
  const std::uint32_t place = by_id_.find(id.value);
  return place == FlatIndex::kNowhere ? nullptr : exchanges_[place].get();
}

void ExchangeBook::spoil(OpenExchange& open, const std::string& why) {
  if (!open.exchange.incomplete_why.empty()) return;
  open.exchange.incomplete_why = why;
  open.exchange.complete = false;
  open.told = false;
}

void ExchangeBook::tell(OpenExchange& open) {
  if (open.told) return;
  sink_.on_exchange(open.exchange);
  open.told = true;
}

void ExchangeBook::note_answer(OpenExchange& open) {
  if (open.counted) --unanswered_;
  open.counted = false;
}

void ExchangeBook::retire(OpenExchange& open) {
  note_answer(open);
  open.retired = true;
  if (open.open_calls == 0) tell(open);
  retired_.push_back(by_id_.find(open.exchange.id.value));
}

OpenCall& ExchangeBook::begin_call(event::Context context) {
  if (free_calls_.empty()) {
    calls_.push_back(std::make_unique<OpenCall>());
    free_calls_.push_back(calls_.back().get());
  }
  OpenCall& open = *free_calls_.back();
  free_calls_.pop_back();
  reset(open.call);
  open.push = open.request_whole = open.response_whole = open.spoiled = false;
  open.holds = true;
  open.call.id = {++counts_.calls};
  open.call.context = context;
  if (context.kind == event::Context::Kind::kUnattributed) ++counts_.unattributed;
  if (OpenExchange* exchange = find(context.exchange)) {
    ++exchange->exchange.calls;
    ++exchange->open_calls;
    exchange->told = false;
  }
  return open;
}

void ExchangeBook::number_call(OpenCall& open) {
  event::Call& call = open.call;
  // Most datagrams are never answered: nobody waits until that is certain.
  if (call.protocol == event::Protocol::kUdp) let_go(open);
  const std::uint64_t key = CallOrdinals::key(call.peer, call.protocol, call.operation);
  if (OpenExchange* exchange = find(call.context.exchange)) {
    call.ordinal = exchange->ordinals.next(key);
  } else if (call.context.kind == event::Context::Kind::kBackground) {
    call.ordinal = background_.next(key);
  } else {
    call.ordinal = unattributed_.next(key);
  }
}

void ExchangeBook::end_call(OpenCall& open) {
  sink_.on_call(open.call);
  let_go(open);
  free_calls_.push_back(&open);
}

void ExchangeBook::let_go(OpenCall& open) {
  if (!std::exchange(open.holds, false)) return;
  if (OpenExchange* exchange = find(open.call.context.exchange)) {
    assert(exchange->open_calls > 0);
    if (--exchange->open_calls == 0 && exchange->retired) tell(*exchange);
  }
}

void ExchangeBook::count_draw(event::Context context) {
  if (context.kind == event::Context::Kind::kUnattributed) ++counts_.unattributed;
  if (context.kind != event::Context::Kind::kExchange) return;
  if (OpenExchange* exchange = find(context.exchange)) {
    ++exchange->exchange.draws;
    exchange->told = false;
  }
}

void ExchangeBook::finish() {
  for (const auto& open : exchanges_) tell(*open);
}

}  // namespace reprise::recorder
