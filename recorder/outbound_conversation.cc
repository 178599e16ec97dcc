#include <algorithm>
#include <utility>

#include "recorder/conversation.h"

namespace reprise::recorder {

using protocol::Side;

OutboundConversation::OutboundConversation(ExchangeBook& book, event::ConnectionId connection,
                                           std::string peer, event::Protocol known)
    : Conversation(book, connection, known), peer_(std::move(peer)) {}

event::Context OutboundConversation::current() const {
  return open_.empty() ? last_context_ : open_.front()->call.context;
}

const OpenCall* OutboundConversation::unfinished_request() const {
  if (open_.empty()) return nullptr;
  const OpenCall* last = open_.back();
  return last->request_whole && last->call.request.end <= announced_ ? nullptr : last;
}

OpenCall* OutboundConversation::find(const protocol::Transaction& transaction) {
  const std::uint64_t number = number_of(transaction);
  for (OpenCall* open : open_) {
    if (open->number == number && open->push == transaction.push) return open;
  }
  return nullptr;
}

OpenCall& OutboundConversation::begin(const protocol::Transaction& transaction,
                                      event::Context context) {
  OpenCall& open = book_.begin_call(context);
  open.number = number_of(transaction);
  open.push = transaction.push;
  open.call.connection = connection_;
  open.call.peer = peer_;
  open_.push_back(&open);
  return open;
}

void OutboundConversation::describe(OpenCall& open, const protocol::Transaction& transaction) {
  event::Call& call = open.call;
  call.protocol = transaction.protocol;
  call.operation = transaction.operation;
  call.target = transaction.target;
  call.prelude = transaction.prelude;
  open.request_whole = true;
  book_.number_call(open);
}

void OutboundConversation::on_request_begin(const protocol::Transaction& transaction) {
  OpenCall& open = begin(transaction, moment_->context);
  const std::uint64_t offset = transaction.request.begin + base(Side::kClient);
  open.call.request = {offset, offset};
  open.call.first_byte_out = open.call.last_byte_out = moment_->enter;
  last_context_ = moment_->context;
  has_called_ = true;
}

void OutboundConversation::on_request_end(const protocol::Transaction& transaction) {
  OpenCall* open = find(transaction);
  if (open == nullptr) return;
  open->call.request = shifted(transaction.request, Side::kClient);
  describe(*open, transaction);
  progress({});  // an answer may have come before the end of its request
}

void OutboundConversation::on_response_begin(const protocol::Transaction& transaction) {
  OpenCall* open = find(transaction);
  if (open == nullptr) {
    if (!transaction.push) return;
    open = &begin(transaction, moment_->context);
    open->spoiled = requests_doubtful_;
    open->call.first_byte_out = open->call.last_byte_out = moment_->enter;
    describe(*open, transaction);
  }
  const std::uint64_t offset = transaction.response.begin + base(Side::kServer);
  open->call.response = {offset, offset};
  open->call.first_byte_in = moment_->exit;
  note_read(open->call.context);
}

void OutboundConversation::on_response_end(const protocol::Transaction& transaction) {
  OpenCall* open = find(transaction);
  if (open == nullptr) return;
  open->call.status = transaction.status;
  open->call.protocol = transaction.protocol;
  open->call.prelude = transaction.prelude;
  open->call.response = shifted(transaction.response, Side::kServer);
  open->call.last_byte_in = heard(Side::kServer);
  open->response_whole = true;
  // A datagram that nobody answered: what gave it up was not its answer.
  const bool unanswered =
      open->call.protocol == event::Protocol::kUdp && open->call.response.empty();
  if (unanswered) open->call.first_byte_in = open->call.last_byte_in = {};
  progress({});
}

void OutboundConversation::progress(event::Stamp exit) {
  for (OpenCall* open : open_) {
    const bool waits_for_system = exit.ticks != 0 && open->call.first_byte_in.ticks == 0;
    if (waits_for_system && open->call.request.begin < accepted_) open->call.last_byte_out = exit;
  }
  while (!open_.empty() && open_.front()->request_whole && open_.front()->response_whole) {
    open_.front()->call.complete = !open_.front()->spoiled;
    book_.end_call(*open_.front());
    open_.erase(open_.begin());
  }
}

void OutboundConversation::spoil(const std::string&) {
  for (OpenCall* open : open_) open->spoiled = true;
}

void OutboundConversation::finish(const std::string&) {
  for (OpenCall* open : open_) {
    event::Call& call = open->call;
    if (!open->request_whole) call.request.end = std::max(accepted_, call.request.begin);
    if (!open->response_whole && call.first_byte_in.ticks != 0) {
      call.response.end = std::max(end_of(Side::kServer), call.response.begin);
    }
    // Nobody is bound to answer a datagram.
    if (protocol() == event::Protocol::kUdp && !is_lost()) call.complete = !open->spoiled;
    book_.end_call(*open);
  }
  open_.clear();
}

void OutboundConversation::start_reading(event::Context otherwise) {
  read_any_ = false;
  read_several_ = false;
  read_context_ = otherwise;
  if (!open_.empty()) note_read(open_.front()->call.context);
}

void OutboundConversation::note_read(event::Context context) {
  if (read_any_ && context != read_context_) read_several_ = true;
  if (!read_any_) read_context_ = context;
  read_any_ = true;
}

}  // namespace reprise::recorder
