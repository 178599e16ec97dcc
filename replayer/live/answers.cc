#include "replayer/live/answers.h"

#include <algorithm>
#include <utility>

namespace reprise::replayer {

AnswerNotes::AnswerNotes(const Plan& plan, const RecordedConnection& recorded)
    : whole(recorded.transactions.size()) {
  if (recorded.transactions.empty() || recorded.greetings != 0) return;
  const RecordedExchange& first = plan.exchanges[recorded.transactions.front()];
  usable = first.ordinal == 1 && first.request.begin == 0 &&
           std::ranges::all_of(recorded.transactions, [&](std::uint32_t place) {
             return plan.exchanges[place].protocol == event::Protocol::kHttp1;
           });
}

Answers::Answers(const Plan& plan, const RecordedConnection& recorded, AnswerNotes& notes,
                 AnswerWatch::OnAnswered on_answered)
    : plan_(plan), recorded_(recorded), notes_(notes), on_answered_(std::move(on_answered)) {
  if (!notes_.usable) decode();
}

const RecordedExchange& Answers::exchange(std::uint32_t transaction) const {
  return plan_.exchanges[recorded_.transactions[transaction]];
}

// The response that comes next, as far as that is known to be whole by itself.
const std::optional<std::span<const std::uint8_t>>& Answers::expected() const {
  static const std::optional<std::span<const std::uint8_t>> kUnknown;
  return answered_ < notes_.whole.size() ? notes_.whole[answered_] : kUnknown;
}

void Answers::sent(std::uint64_t offset, std::span<const std::uint8_t> bytes) {
  // Where the recording has a hole another request goes out than it had.
  if (offset != sent_) {
    decode();
    notes_.usable = false;
  }
  if (!decodes_ && !expected()) decode();
  sent_ = offset + bytes.size();
  if (decodes_) watch_->sent(bytes);
}

void Answers::received(std::span<const std::uint8_t> bytes) {
  if (!decodes_ && follow(bytes)) return;
  decode();
  receiving_ = true;
  watch_->received(bytes);
  receiving_ = false;
  if (watch_->rests()) rest_if_answered();
}

// False, with nothing done, unless `bytes` go on with the recorded response and with that alone.
bool Answers::follow(std::span<const std::uint8_t> bytes) {
  const auto& whole = expected();
  if (!whole || whole->size() - followed_ < bytes.size()) return false;
  if (!std::ranges::equal(bytes, whole->subspan(followed_, bytes.size()))) return false;
  followed_ += bytes.size();
  if (followed_ < whole->size()) return true;
  stale_ = true;
  on_answered_(answered_++);
  followed_ = 0;
  unseen_ = exchange(answered_ - 1).request.end;
  return true;
}

// From here on, and what was sent and followed since the last response that was whole.
void Answers::decode() {
  if (std::exchange(decodes_, true)) return;
  if (!watch_ || stale_) {
    watch_.emplace(
        plan_, recorded_, [this](std::uint32_t transaction) { on_decoded(transaction); },
        answered_);
    stale_ = false;
  }
  if (sent_ > unseen_) {
    watch_->sent(plan_.streams->bytes({recorded_.id, Flow::kReceived}, {unseen_, sent_}));
  }
  if (followed_ > 0) watch_->received(expected()->first(std::exchange(followed_, 0)));
}

void Answers::on_decoded(std::uint32_t transaction) {
  if (transaction == answered_ && notes_.usable) {
    ++answered_;
    const event::ByteRange& response = exchange(transaction).response;
    const Answer* answer = watch_->look_at(transaction);
    const bool same = answer != nullptr && answer->equal && answer->length == response.size();
    if (receiving_ && same && watch_->rests() && !notes_.whole[transaction]) {
      notes_.whole[transaction] =
          plan_.streams->in_one_piece({recorded_.id, Flow::kSent}, response);
    }
  }
  on_answered_(transaction);
}

void Answers::rest_if_answered() {
  if (!notes_.usable || answered_ == 0 || sent_ != exchange(answered_ - 1).request.end) return;
  decodes_ = false;
  unseen_ = sent_;
}

void Answers::client_ended(protocol::End how) {
  if (!decodes_ && answered_ == notes_.whole.size()) return;  // nothing is waited for
  decode();
  watch_->client_ended(how);
}

void Answers::service_ended(protocol::End how) {
  if (!decodes_ && answered_ == notes_.whole.size()) return;
  decode();
  watch_->service_ended(how);
}

Answer Answers::take(std::uint32_t transaction) {
  if (decodes_) return watch_->take(transaction);
  const RecordedExchange& recorded = exchange(transaction);
  Answer answer;
  answer.whole = transaction < answered_;
  if (answer.whole) {
    answer.length = recorded.response.size();
    answer.status = plan_.names[recorded.status];
  } else if (transaction == answered_) {
    answer.length = followed_;
  }
  return answer;
}

}  // namespace reprise::replayer
