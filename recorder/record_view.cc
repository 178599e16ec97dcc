#include "recorder/record_view.h"

namespace reprise::recorder {

std::vector<std::byte> RecordView::written_out() const {
  if (!is_brief()) return {record_, record_ + size_};
  std::vector<std::byte> whole(sizeof(abi::RecordHeader));
  std::memcpy(whole.data() + offsetof(abi::RecordHeader, type), &word_, sizeof word_);
  const auto append = [&whole](const void* bytes, std::size_t length) {
    const auto* from = static_cast<const std::byte*>(bytes);
    whole.insert(whole.end(), from, from + length);
  };
  if (type() == abi::RecordType::kClock) {
    append(&clock_, sizeof clock_);
  } else if (type() == abi::RecordType::kSendResult) {
    append(&result_, sizeof result_);
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
