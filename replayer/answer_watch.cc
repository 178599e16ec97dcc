#include "replayer/answer_watch.h"

#include <algorithm>
#include <utility>

namespace reprise::replayer {

using protocol::Side;

AnswerWatch::AnswerWatch(const Plan& plan, const RecordedConnection& recorded,
                         OnAnswered on_answered, std::uint32_t first)
    : plan_(plan),
      recorded_(recorded),
      on_answered_(std::move(on_answered)),
      first_(first),
      decoder_(protocol::make_decoder(*this, plan.first_protocol(recorded))) {}

void AnswerWatch::sent(std::span<const std::uint8_t> bytes) {
  decoder_->feed(Side::kClient, bytes);
}

void AnswerWatch::client_ended(protocol::End how) { decoder_->end(Side::kClient, how); }

void AnswerWatch::service_ended(protocol::End how) { decoder_->end(Side::kServer, how); }

void AnswerWatch::received(std::span<const std::uint8_t> bytes) {
  fed_ = bytes;
  decoder_->feed(Side::kServer, bytes);
  account({accounted_, received_ + bytes.size()});
  received_ += bytes.size();
  fed_ = {};
  if (!answering_) return;
  // A turn of an opaque protocol has no end of its own: it is whole when all that was recorded
  // came.
  const RecordedExchange* recorded = recorded_at(*answering_);
  if (recorded != nullptr && recorded->protocol == event::Protocol::kOpaque &&
      answers_[*answering_].length >= recorded->response.size()) {
    finish(*answering_);
  }
}

void AnswerWatch::on_response_begin(const protocol::Transaction& transaction) {
  account({accounted_, transaction.response.begin});
  answering_ = recorded_place(transaction);
  if (answering_) answers_.try_emplace(*answering_);
}

void AnswerWatch::on_response_end(const protocol::Transaction& transaction) {
  account({accounted_, transaction.response.end});
  ended_ = transaction.response.end;
  answering_.reset();
  const auto place = recorded_place(transaction);
  if (!place) return;
  answers_[*place].status = transaction.status;
  finish(*place);
}

std::optional<std::uint32_t> AnswerWatch::recorded_place(
    const protocol::Transaction& transaction) const {
  const auto place = static_cast<std::uint32_t>(transaction.ordinal - 1);
  if (!transaction.push) return recorded_.first_request + first_ + place;
  return place < recorded_.greetings ? std::optional(place) : std::nullopt;
}

void AnswerWatch::finish(std::uint32_t transaction) {
  Answer& answer = answers_[transaction];
  if (std::exchange(answer.whole, true)) return;
  on_answered_(transaction);
}

// Compares the bytes of `range`, which lie in what is being fed, as part of the current response.
void AnswerWatch::account(event::ByteRange range) {
  const std::uint64_t begin = std::max(range.begin, received_);
  accounted_ = std::max(accounted_, range.end);
  if (!answering_ || range.end <= begin) return;
  const RecordedExchange* recorded = recorded_at(*answering_);
  if (recorded == nullptr) return;
  const auto bytes = fed_.subspan(begin - received_, range.end - begin);
  compare(*recorded, answers_[*answering_], bytes);
}

void AnswerWatch::compare(const RecordedExchange& recorded, Answer& answer,
                          std::span<const std::uint8_t> bytes) {
  const StreamName stream{recorded.connection, Flow::kSent};
  const std::uint64_t begin = recorded.response.begin + answer.length;
  if (answer.equal) {
    std::size_t same = 0;
    const event::ByteRange range{begin, std::min(begin + bytes.size(), recorded.response.end)};
    plan_.streams->visit(stream, range, [&](std::span<const std::uint8_t> piece) {
      const auto mine = bytes.subspan(same, std::min(piece.size(), bytes.size() - same));
      if (answer.equal) answer.equal = std::ranges::equal(piece.first(mine.size()), mine);
      same += mine.size();
    });
    answer.equal = answer.equal && same == bytes.size();
    if (!answer.equal) {
      // What came before was equal: the recording still has it.
      const std::uint64_t kept = std::min(answer.length, Answer::kKept);
      answer.bytes =
          plan_.streams->bytes(stream, {recorded.response.begin, recorded.response.begin + kept});
    }
  }
  if (!answer.equal) {
    const std::size_t room = static_cast<std::size_t>(Answer::kKept - answer.bytes.size());
    const auto kept = bytes.first(std::min(bytes.size(), room));
    answer.bytes.insert(answer.bytes.end(), kept.begin(), kept.end());
  }
  answer.length += bytes.size();
}

const RecordedExchange* AnswerWatch::recorded_at(std::uint32_t transaction) const {
  if (transaction >= recorded_.transactions.size()) return nullptr;
  return &plan_.exchanges[recorded_.transactions[transaction]];
}

const Answer* AnswerWatch::look_at(std::uint32_t transaction) const {
  const auto found = answers_.find(transaction);
  return found == answers_.end() ? nullptr : &found->second;
}

Answer AnswerWatch::take(std::uint32_t transaction) {
  auto node = answers_.extract(transaction);
  return node.empty() ? Answer{} : std::move(node.mapped());
}

}  // namespace reprise::replayer
