#include "recorder/conversation.h"

#include <utility>

namespace reprise::recorder {
namespace {

using protocol::Side;

int at(Side side) { return static_cast<int>(side); }

bool is_readable(event::Protocol protocol) {
  return protocol != event::Protocol::kUnknown && protocol != event::Protocol::kOpaque;
}

}  // namespace

Conversation::Conversation(ExchangeBook& book, event::ConnectionId connection,
                           event::Protocol known)
    : book_(book),
      connection_(connection),
      decoder_(protocol::make_decoder(*this, known)),
      protocol_(known) {}

event::ByteRange Conversation::shifted(event::ByteRange range, Side side) const {
  return {range.begin + base(side), range.end + base(side)};
}

std::uint64_t Conversation::number_of(const protocol::Transaction& transaction) {
  const std::uint64_t number = number_base_ + transaction.ordinal;
  if (!transaction.push && number > last_number_) last_number_ = number;
  return number;
}

// After a loss, where the client speaks after the server did, a message begins.
bool Conversation::can_read(Side side, std::uint64_t offset, const Moment& moment) {
  heard_[at(side)] = moment.exit;
  moment_ = &moment;
  if (decoder_ == nullptr && side == Side::kClient && last_speaker_ == Side::kServer) {
    begin_anew(offset);
  }
  last_speaker_ = side;
  return decoder_ != nullptr;
}

void Conversation::begin_anew(std::uint64_t client_offset) {
  base_[at(Side::kClient)] = client_offset;
  base_[at(Side::kServer)] = next_[at(Side::kServer)];
  number_base_ = last_number_;
  on_trial_ = true;
  decoder_ = protocol::make_decoder(*this, protocol_);
}

void Conversation::feed(Side side, std::uint64_t offset, std::span<const std::uint8_t> bytes,
                        const Moment& moment) {
  const std::uint64_t end = offset + bytes.size();
  if (can_read(side, offset, moment)) decoder_->feed(side, bytes);
  after_feed(side, end);
}

void Conversation::skip(Side side, std::uint64_t offset, std::uint64_t count,
                        const Moment& moment) {
  if (can_read(side, offset, moment)) decoder_->skip(side, count);
  after_feed(side, offset + count);
}

void Conversation::after_feed(Side side, std::uint64_t end) {
  moment_ = nullptr;
  next_[at(side)] = end;
  if (decoder_ == nullptr) return;
  if (failed_trial_) {
    // It was the middle of a message. The next turn may be the beginning of one.
    failed_trial_ = false;
    decoder_.reset();
    finish("bytes before it were lost");
    return;
  }
  if (is_readable(decoder_->protocol()) || !is_readable(protocol_)) {
    protocol_ = decoder_->protocol();
  }
}

void Conversation::end(Side side, protocol::End how, const Moment& moment) {
  if (decoder_ == nullptr) return;
  moment_ = &moment;
  decoder_->end(side, how);
  moment_ = nullptr;
  progress({});
}

void Conversation::lose(Side side, const std::string& why) {
  decoder_.reset();
  last_speaker_ = side;
  finish(why);
}

void Conversation::sent(std::uint64_t announced, std::uint64_t accepted, event::Stamp exit) {
  announced_ = announced;
  const bool more = accepted > accepted_;
  accepted_ = accepted;
  progress(more ? exit : event::Stamp{});
}

void Conversation::on_opaque(event::Protocol, std::string_view, std::uint64_t, std::uint64_t) {
  failed_trial_ = on_trial_ && is_readable(protocol_);
}

}  // namespace reprise::recorder
