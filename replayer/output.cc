#include "replayer/output.h"

#include <algorithm>
#include <cstdint>

namespace reprise::replayer {
namespace {

constexpr std::uint64_t kStreamEnd = UINT64_MAX;
// Makes everything due by the time it is asked for.
constexpr nanoseconds kAtOnceLag{INT64_MIN / 4};
// An end that came this long after the answer was not part of it.
constexpr nanoseconds kAtOnce = std::chrono::seconds(1);

Output::Kind kind_of(PeerEnd end) {
  if (end == PeerEnd::kTruncated) return Output::Kind::kTruncated;
  return end == PeerEnd::kEof ? Output::Kind::kEof : Output::Kind::kReset;
}

class Cut {
 public:
  Cut(const Plan& plan, const RecordedConnection& connection, const event::Context& context,
      bool in_context)
      : plan_(plan), connection_(connection), context_(context), in_context_(in_context) {}

  // The chunks of `range`. Each is due `lag` after it was recorded, none before `earliest`.
  void add_bytes(event::ByteRange range, nanoseconds lag, Moment earliest) {
    const std::span<const Chunk> chunks = plan_.inputs.chunks_of(connection_.id);
    auto chunk = std::ranges::upper_bound(chunks, range.begin, {},
                                          [](const Chunk& c) { return c.bytes.end; });
    for (; chunk != chunks.end() && chunk->bytes.begin < range.end; ++chunk) {
      Output& output = add(Output::Kind::kBytes, chunk->at, std::max(earliest, chunk->at + lag));
      output.bytes = {std::max(range.begin, chunk->bytes.begin),
                      std::min(range.end, chunk->bytes.end)};
      output.chunk = static_cast<std::uint32_t>(&*chunk - plan_.inputs.chunks.data());
    }
  }

  // The end of the connection. `answered`: when the answer before it was whole.
  void add_end(Moment answered, nanoseconds lag, Moment earliest) {
    const ConnectionInputs& inputs = plan_.inputs.of(connection_.id);
    if (inputs.end == PeerEnd::kNone) return;
    Moment recorded = inputs.ended;
    Moment due = recorded + lag;
    const bool at_once = recorded - answered < kAtOnce;
    if (!at_once && !within_exchange(recorded)) {
      // It was noticed by the exchange that wanted to use the connection: it came before that.
      const RecordedExchange* finder = plan_.exchange(inputs.end_context.exchange);
      if (finder != nullptr && inputs.end_context != context_) {
        recorded = std::min(recorded, finder->first_byte_in + nanoseconds{-1});
      }
      due = recorded;
    }
    Output& output = add(kind_of(inputs.end), recorded, std::max(earliest, due));
    output.entry = inputs.end_entry;
    output.in_reply = inputs.after_service;
    output.idle = true;
  }

  Moment last_recorded(Moment otherwise) const {
    return outputs_.empty() ? otherwise : outputs_.back().recorded;
  }
  std::vector<Output> take() { return std::move(outputs_); }

 private:
  bool within_exchange(Moment moment) const {
    const RecordedExchange* exchange = plan_.exchange(context_.exchange);
    return exchange != nullptr && moment <= exchange->last_byte_out;
  }

  Output& add(Output::Kind kind, Moment recorded, Moment due) {
    Output& output = outputs_.emplace_back();
    output.kind = kind;
    output.source = connection_.id;
    output.context = context_;
    output.in_context = in_context_;
    output.recorded = recorded;
    // What a peer sent in order arrives in order.
    output.due = outputs_.size() > 1 ? std::max(due, outputs_[outputs_.size() - 2].due) : due;
    return output;
  }

  const Plan& plan_;
  const RecordedConnection& connection_;
  event::Context context_;
  bool in_context_;
  std::vector<Output> outputs_;
};

}  // namespace

std::vector<Output> cut_answer(const Plan& plan, const RecordedCall& call, std::uint64_t skip,
                               const Pace& pace, const event::Context& context) {
  const RecordedConnection* connection = plan.connection(call.connection);
  if (connection == nullptr) return {};
  const bool in_context = call.context == context;
  const nanoseconds lag = pace.at_once                     ? kAtOnceLag
                          : pace.as_recorded && in_context ? nanoseconds{0}
                                                           : pace.seen - call.last_byte_out;
  Cut cut(plan, *connection, context, in_context);
  cut.add_bytes({std::min(call.response.begin + skip, call.response.end), call.response.end}, lag,
                pace.seen);
  // What follows up to the next answer came unasked.
  const auto& calls = connection->transactions;
  auto next = std::ranges::upper_bound(calls, call.request.begin, {}, [&](std::uint32_t index) {
    return plan.calls[index].request.begin;
  });
  const bool last = next == calls.end();
  while (next != calls.end() && plan.calls[*next].response.empty()) ++next;
  const std::uint64_t until = next == calls.end() ? kStreamEnd : plan.calls[*next].response.begin;
  if (call.response.end < until && !call.response.empty()) {
    cut.add_bytes({call.response.end, until}, lag, pace.seen);
  }
  if (last) cut.add_end(cut.last_recorded(call.last_byte_out), lag, pace.seen);
  return cut.take();
}

std::vector<Output> cut_greeting(const Plan& plan, const RecordedConnection& connection,
                                 const Pace& pace, const event::Context& context) {
  Cut cut(plan, connection, context, true);
  const nanoseconds lag = pace.at_once       ? kAtOnceLag
                          : pace.as_recorded ? nanoseconds{0}
                                             : pace.seen - connection.opened;
  const auto& calls = connection.transactions;
  const std::uint64_t until = calls.empty() ? kStreamEnd : plan.calls[calls.front()].response.begin;
  cut.add_bytes({0, until}, lag, pace.seen);
  if (calls.empty()) cut.add_end(cut.last_recorded(connection.opened), lag, pace.seen);
  return cut.take();
}

}  // namespace reprise::replayer
