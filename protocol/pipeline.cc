#include "protocol/pipeline.h"

#include <cassert>

namespace reprise::protocol {
namespace {

// A long target must not cost its memory for the rest of the connection.
constexpr std::size_t kUsualText = 1024;

void clear(std::string& text) {
  text.clear();
  if (text.capacity() > kUsualText) {
    text.shrink_to_fit();
  }
}

// Fresh values; the strings keep their memory.
void clear(Transaction& transaction) {
  for (std::string* text :
       {&transaction.method, &transaction.operation, &transaction.target, &transaction.status}) {
    clear(*text);
  }
  transaction.request = transaction.response = {};
  transaction.prelude = transaction.push = false;
}

}  // namespace

void Pipeline::begin_request(event::Protocol protocol, std::uint64_t offset) {
  assert(!request_open());
  Transaction& transaction = add_entry();
  transaction.ordinal = ++requests_;
  transaction.protocol = protocol;
  transaction.request = {offset, offset};
  sink_.on_request_begin(transaction);
}

Transaction& Pipeline::add_entry() {
  if (spare_.empty()) {
    return entries_.emplace_back().transaction;
  }
  entries_.splice(entries_.end(), spare_);
  Entry& entry = entries_.back();
  entry.request_done = entry.response_done = entry.unanswered = false;
  clear(entry.transaction);
  return entry.transaction;
}

void Pipeline::remove_oldest() {
  if (spare_.empty()) {
    spare_.splice(spare_.end(), entries_, entries_.begin());
  } else {
    entries_.pop_front();
  }
}

Transaction& Pipeline::open_request() {
  assert(request_open());
  return entries_.back().transaction;
}

void Pipeline::end_request(std::uint64_t offset, Answer answer) {
  assert(request_open());
  Entry& entry = entries_.back();
  entry.transaction.request.end = offset;
  entry.request_done = true;
  entry.unanswered = answer == Answer::kNever;
  sink_.on_request_end(entry.transaction);
  retire();
}

const Transaction* Pipeline::next_to_answer() const {
  // Only the newest request can be open, so only a lone entry can be answered and still be here.
  if (entries_.empty() || entries_.front().response_done || responding_) {
    return nullptr;
  }
  return &entries_.front().transaction;
}

void Pipeline::begin_response(event::Protocol protocol, std::uint64_t offset) {
  assert(!response_open());
  if (next_to_answer() == nullptr) {
    begin_push(protocol, offset);
    return;
  }
  responding_ = true;
  server_offset_ = offset;
  Transaction& transaction = entries_.front().transaction;
  transaction.response = {offset, offset};
  sink_.on_response_begin(transaction);
}

void Pipeline::begin_push(event::Protocol protocol, std::uint64_t offset) {
  assert(!response_open());
  push_.emplace();
  push_->ordinal = ++pushes_;
  push_->protocol = protocol;
  push_->response = {offset, offset};
  push_->push = true;
  server_offset_ = offset;
  sink_.on_response_begin(*push_);
}

Transaction& Pipeline::open_response() {
  assert(response_open());
  return push_ ? *push_ : entries_.front().transaction;
}

void Pipeline::end_response(std::uint64_t offset) {
  Transaction& transaction = open_response();
  transaction.response.end = offset;
  server_offset_ = offset;
  sink_.on_response_end(transaction);
  if (push_) {
    push_.reset();
    return;
  }
  responding_ = false;
  entries_.front().response_done = true;
  retire();
}

void Pipeline::leave_unanswered() {
  assert(next_to_answer() != nullptr && entries_.front().request_done);
  entries_.front().unanswered = true;
  retire();
}

// Forgets what is done with, and gives empty responses to those that never get one.
void Pipeline::retire() {
  while (!entries_.empty() && !responding_) {
    Entry& oldest = entries_.front();
    if (oldest.request_done && oldest.unanswered && !oldest.response_done) {
      oldest.transaction.response = {server_offset_, server_offset_};
      sink_.on_response_begin(oldest.transaction);
      sink_.on_response_end(oldest.transaction);
      oldest.response_done = true;
    }
    if (!oldest.request_done || !oldest.response_done) {
      return;
    }
    remove_oldest();
  }
}

void Pipeline::turn_opaque() {
  if (opaque_from_) {
    return;
  }
  opaque_from_ = requests_ + 1;
  if (request_open()) {
    Transaction& transaction = open_request();
    opaque_from_ = transaction.ordinal;
    transaction.protocol = event::Protocol::kOpaque;
    transaction.method.clear();
    transaction.operation.clear();
    transaction.target.clear();
    transaction.prelude = false;
  }
}

bool Pipeline::next_answer_is_opaque() const {
  if (!opaque_from_) {
    return false;
  }
  const Transaction* next = next_to_answer();
  return next == nullptr || next->ordinal >= *opaque_from_;
}

}  // namespace reprise::protocol
