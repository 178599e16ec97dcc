#include "recorder/record_view.h"

namespace reprise::recorder {
namespace {

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
constexpr std::uint32_t kWholeClock = sizeof(abi::RecordHeader) + sizeof(abi::Clock);

}  // namespace

void RecordView::read_earlier() {
  abi::Earlier earlier{};
  if (type() == abi::RecordType::kClock) {
    earlier = {static_cast<std::uint32_t>(enter_), kWholeClock};  // a BriefClock, not a stamp
  } else if (exact_size() >= sizeof(abi::RecordHeader) + sizeof earlier) {
    std::memcpy(&earlier, record_ + exact_size() - sizeof earlier, sizeof earlier);
  }
  if (earlier.length <= earlier.back) earlier_ = earlier;
}

void RecordView::resolve(const std::byte* named, std::uint64_t ticks_per_second) {
  named_ = {reinterpret_cast<const std::uint8_t*>(named), earlier_.length};
  if (type() != abi::RecordType::kClock) return;
  const RecordView whole(named, kWholeClock);
  (void)whole.read<abi::Clock>(clock_);  // it is long enough
  const std::uint64_t later_ns = enter_ >> 32;
  clock_.value_ns += static_cast<std::int64_t>(later_ns);
  // Above 4 s, which no agent writes, that may overflow: a number like any other.
  enter_ = whole.enter() + later_ns * ticks_per_second / kNsPerSecond;
}

std::vector<std::byte> RecordView::written_out() const {
  if (!is_brief()) return {record_, record_ + size_};
  std::vector<std::byte> whole(record_, record_ + sizeof(abi::RecordHeader));
  const auto append = [&whole](const void* bytes, std::size_t length) {
    const auto* from = static_cast<const std::byte*>(bytes);
    whole.insert(whole.end(), from, from + length);
  };
  if (type() == abi::RecordType::kClock) {
    append(&clock_, sizeof clock_);
  } else {
    append(record_ + sizeof(abi::RecordHeader),
           exact_size() - sizeof(abi::RecordHeader) - sizeof(abi::Earlier));
    append(named_.data(), named_.size());
  }
  const std::size_t exact = whole.size();
  whole.resize((exact + 7) & ~std::size_t{7});
  const auto size = static_cast<std::uint32_t>(whole.size());
  std::memcpy(whole.data(), &size, sizeof size);
  std::memcpy(whole.data() + offsetof(abi::RecordHeader, enter), &enter_, sizeof enter_);
  whole[offsetof(abi::RecordHeader, flags)] &= ~std::byte{abi::kBrief};
  whole[offsetof(abi::RecordHeader, padding)] = static_cast<std::byte>(whole.size() - exact);
  return whole;
}

}  // namespace reprise::recorder
