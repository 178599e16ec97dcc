#include <algorithm>

#include "recorder/conversation.h"

namespace reprise::recorder {

using protocol::Side;

bool InboundConversation::was_announced(const OpenExchange& open) const {
  return open.response_whole && open.exchange.response.end <= announced_;
}

event::Context InboundConversation::current() const {
  for (const OpenExchange* open : open_) {
    if (!was_announced(*open)) return event::Context::of(open->exchange.id);
  }
  if (!open_.empty()) return event::Context::of(open_.back()->exchange.id);
  if (last_ != nullptr) return event::Context::of(last_->exchange.id);
  return is_lost() ? event::Context::unattributed() : event::Context::background();
}

OpenExchange* InboundConversation::find(const protocol::Transaction& transaction) {
  const std::uint64_t number = number_of(transaction);
  for (OpenExchange* open : open_) {
    if (open->number == number && open->push == transaction.push) return open;
  }
  return nullptr;
}

void InboundConversation::drop_last() {
  if (last_ != nullptr) book_.retire(*last_);
  last_ = nullptr;
}

OpenExchange& InboundConversation::begin(const protocol::Transaction& transaction) {
  drop_last();
  OpenExchange& open = book_.begin_exchange();
  open.exchange.connection = connection_;
  ++begun_;
  open.exchange.ordinal = ordinals_ ? ordinals_(begun_) : begun_;
  open.number = number_of(transaction);
  open.exchange.process = moment_->process;
  open.push = transaction.push;
  open_.push_back(&open);
  return open;
}

void InboundConversation::on_request_begin(const protocol::Transaction& transaction) {
  OpenExchange& open = begin(transaction);
  const std::uint64_t offset = transaction.request.begin + base(Side::kClient);
  open.exchange.request = {offset, offset};
  open.exchange.first_byte_in = moment_->exit;
}

void InboundConversation::on_request_end(const protocol::Transaction& transaction) {
  OpenExchange* open = find(transaction);
  if (open == nullptr) return;
  event::Exchange& exchange = open->exchange;
  exchange.protocol = transaction.protocol;
  exchange.method = transaction.method;
  exchange.target = transaction.target;
  exchange.request = shifted(transaction.request, Side::kClient);
  exchange.last_byte_in = heard(Side::kClient);
  open->request_whole = true;
  progress({});  // an answer may have come before the end of its request
}

void InboundConversation::on_response_begin(const protocol::Transaction& transaction) {
  OpenExchange* open = find(transaction);
  if (open == nullptr) {
    if (!transaction.push) return;
    open = &begin(transaction);
    open->request_whole = true;
    if (requests_doubtful_) book_.spoil(*open, "records were lost, its request may be among them");
    open->exchange.protocol = transaction.protocol;
    open->exchange.first_byte_in = open->exchange.last_byte_in = moment_->enter;
  }
  const std::uint64_t offset = transaction.response.begin + base(Side::kServer);
  open->exchange.response = {offset, offset};
  open->exchange.first_byte_out = moment_->enter;
}

void InboundConversation::on_response_end(const protocol::Transaction& transaction) {
  OpenExchange* open = find(transaction);
  if (open == nullptr) return;
  open->exchange.protocol = transaction.protocol;
  open->exchange.status = transaction.status;
  open->exchange.response = shifted(transaction.response, Side::kServer);
  open->response_whole = true;
  progress({});  // an opaque response ends when the client speaks again, long after it was sent
}

void InboundConversation::progress(event::Stamp exit) {
  for (OpenExchange* open : open_) open->answered = was_announced(*open);
  while (!open_.empty()) {
    OpenExchange& front = *open_.front();
    event::Exchange& exchange = front.exchange;
    const bool begun = exchange.first_byte_out.ticks != 0;
    if (begun && exit.ticks != 0) exchange.last_byte_out = exit;
    if (!front.request_whole || !front.response_whole || exchange.response.end > accepted_) return;
    exchange.complete = exchange.incomplete_why.empty();
    book_.note_answer(front);
    open_.erase(open_.begin());
    drop_last();
    last_ = &front;
  }
}

void InboundConversation::spoil(const std::string& why) {
  for (OpenExchange* open : open_) book_.spoil(*open, why);
}

void InboundConversation::finish(const std::string& why) {
  drop_last();
  for (OpenExchange* open : open_) {
    // What came of a message that was not whole: as far as it is known.
    if (!open->request_whole)
      open->exchange.request.end = std::max(end_of(Side::kClient), open->exchange.request.begin);
    if (!open->response_whole && open->exchange.first_byte_out.ticks != 0) {
      open->exchange.response.end = std::max(accepted_, open->exchange.response.begin);
    }
    const bool refused = open->response_whole && open->exchange.response.end > announced_;
    if (refused) {  // announced and not taken: nobody has seen it
      open->exchange.status.clear();
      open->exchange.response.end = std::max(accepted_, open->exchange.response.begin);
    }
    book_.spoil(*open, why);
    book_.retire(*open);
  }
  open_.clear();
}

void InboundConversation::tell_last() {
  if (last_ != nullptr) book_.tell(*last_);
}

}  // namespace reprise::recorder
