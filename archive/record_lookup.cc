#include "archive/record_lookup.h"

#include <algorithm>
#include <variant>

#include "archive/index_source.h"

namespace reprise::archive {
namespace {

std::uint64_t connection_of(const event::Event& event) {
  return std::visit(
      [](const auto& fact) -> std::uint64_t {
        using Fact = std::decay_t<decltype(fact)>;
        if constexpr (std::is_same_v<Fact, event::BytesReceived> ||
                      std::is_same_v<Fact, event::SendIntended> ||
                      std::is_same_v<Fact, event::SendFinished> ||
                      std::is_same_v<Fact, event::FileRangeSent>) {
          return fact.connection.value;
        } else {
          return 0;
        }
      },
      event.fact);
}

}  // namespace

RecordLookup::RecordLookup(const Block& block, DamageList& damage) {
  event::Event event;
  event::Call call;
  each_record(block, damage, [&](const RawRecord& raw) {
    std::uint64_t id = 0;
    if (raw.tag == RecordTag::kEvent && decode_or_tell(block, raw, event, damage)) {
      id = connection_of(event);
    } else if (raw.tag == RecordTag::kCall && decode_or_tell(block, raw, call, damage)) {
      id = call.context.exchange.value;
    }
    if (id != 0) entries_.push_back({id, raw.offset});
    return true;
  });
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.id < b.id; });
}

std::span<const RecordLookup::Entry> RecordLookup::of(std::uint64_t id) const {
  const auto [first, last] =
      std::equal_range(entries_.begin(), entries_.end(), Entry{id, 0},
                       [](const Entry& a, const Entry& b) { return a.id < b.id; });
  return {first, last};
}

}  // namespace reprise::archive
