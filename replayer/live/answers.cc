#include "replayer/live/answers.h"

#include <algorithm>
#include <utility>

namespace reprise::replayer {

using protocol::Side;

AnswerNotes::AnswerNotes(const Plan& plan, const RecordedConnection& recorded)
    : of(recorded.transactions.size()), usable(!recorded.transactions.empty()) {
  for (const std::uint32_t place : recorded.transactions) {
    const RecordedExchange& exchange = plan.exchanges[place];
    usable = usable && exchange.answered() && exchange.response.size() > 0;
  }
  if (!usable) return;
  const RecordedExchange& first = plan.exchanges[recorded.transactions.front()];
  usable = first.ordinal == 1 && first.request.begin == 0 && first.response.begin == 0;
}

Answers::Answers(const Plan& plan, const RecordedConnection& recorded, AnswerNotes& notes,
                 AnswerWatch::OnAnswered on_answered)
    : plan_(plan),
      recorded_(recorded),
      notes_(notes),
      on_answered_(std::move(on_answered)),
      as_recorded_(notes.usable) {
  if (!as_recorded_) decode();
}

const RecordedExchange& Answers::exchange(std::uint32_t transaction) const {
  return plan_.exchanges[recorded_.transactions[transaction]];
}

void Answers::sent(std::uint64_t offset, std::span<const std::uint8_t> bytes) {
  // Where the recording has a hole another request comes than it had.
  if (offset != sent_) as_recorded_ = false;
  if (!watch_ && !as_recorded_) decode();
  sent_ += bytes.size();
  if (watch_) {
    watch_->sent(bytes);
  } else {
    pass(Side::kClient, bytes.size());
  }
}

void Answers::received(std::span<const std::uint8_t> bytes) {
  if (!watch_ && follow(bytes)) return;
  if (!watch_) decode();
  as_recorded_ = as_recorded_ && is_recorded(bytes);
  received_ += bytes.size();
  receiving_ = true;
  watch_->received(bytes);
  receiving_ = false;
}

bool Answers::is_recorded(std::span<const std::uint8_t> bytes) const {
  if (answered_ < notes_.of.size()) {
    const auto& next = notes_.of[answered_].bytes;
    if (next && next->size() == bytes.size() && exchange(answered_).response.begin == received_) {
      return std::ranges::equal(*next, bytes);
    }
  }
  std::size_t same = 0;
  bool equal = true;
  plan_.streams->visit({recorded_.id, Flow::kSent}, {received_, received_ + bytes.size()},
                       [&](std::span<const std::uint8_t> piece) {
                         equal =
                             equal && std::ranges::equal(piece, bytes.subspan(same, piece.size()));
                         same += piece.size();
                       });
  return equal && same == bytes.size();
}

// False, with nothing done, unless `bytes` are as recorded and all is noted of the responses that
// end with them.
bool Answers::follow(std::span<const std::uint8_t> bytes) {
  const std::uint64_t end = received_ + bytes.size();
  std::uint32_t whole = answered_;
  while (whole < notes_.of.size() && exchange(whole).response.end <= end) {
    if (!notes_.of[whole].whole) return false;
    ++whole;
  }
  if (!is_recorded(bytes)) return false;
  pass(Side::kServer, bytes.size());
  received_ = end;
  while (answered_ < whole) on_answered_(answered_++);
  return true;
}

void Answers::pass(Side side, std::uint64_t bytes) {
  if (!passed_.empty() && passed_.back().side == side) {
    passed_.back().bytes += bytes;
  } else {
    passed_.push_back({side, bytes});
  }
}

void Answers::decode() {
  watch_.emplace(plan_, recorded_, [this](std::uint32_t transaction) { on_decoded(transaction); });
  catching_up_ = true;
  std::uint64_t sent = 0, received = 0;
  for (const Passed& passed : std::exchange(passed_, {})) {
    const bool client = passed.side == Side::kClient;
    std::uint64_t& at = client ? sent : received;
    // Copied, as the watch looks at the streams itself.
    const event::Bytes bytes = plan_.streams->bytes(
        {recorded_.id, client ? Flow::kReceived : Flow::kSent}, {at, at + passed.bytes});
    client ? watch_->sent(bytes) : watch_->received(bytes);
    at += passed.bytes;
  }
  catching_up_ = false;
}

void Answers::on_decoded(std::uint32_t transaction) {
  if (catching_up_) {  // it was told already
    (void)watch_->take(transaction);
    return;
  }
  const event::ByteRange& response = exchange(transaction).response;
  if (as_recorded_ && receiving_ && response.end == received_) {
    AnswerNotes::Note& note = notes_.of[transaction];
    note.whole = true;
    note.bytes = plan_.streams->in_one_piece({recorded_.id, Flow::kSent}, response);
  }
  on_answered_(transaction);
}

void Answers::client_ended(protocol::End how) {
  if (!owes()) return;
  if (!watch_) decode();
  watch_->client_ended(how);
}

void Answers::service_ended(protocol::End how) {
  if (!owes()) return;
  if (!watch_) decode();
  watch_->service_ended(how);
}

Answer Answers::take(std::uint32_t transaction) {
  if (watch_) return watch_->take(transaction);
  const RecordedExchange& recorded = exchange(transaction);
  Answer answer;
  answer.whole = transaction < answered_;
  answer.length = answer.whole                           ? recorded.response.size()
                  : received_ <= recorded.response.begin ? 0
                                                         : received_ - recorded.response.begin;
  if (answer.whole) answer.status = plan_.names[recorded.status];
  return answer;
}

}  // namespace reprise::replayer
