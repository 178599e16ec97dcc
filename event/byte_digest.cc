#include "event/byte_digest.h"

namespace reprise::event {
namespace {

constexpr std::uint64_t kFnvPrime = 0x100000001b3;
constexpr std::size_t kExcerpt = 60;

}  // namespace

void ByteDigest::add(std::span<const std::uint8_t> bytes) {
  for (const std::uint8_t byte : bytes) {
    hash_ = (hash_ ^ byte) * kFnvPrime;
    if (excerpt_.size() < kExcerpt) {
      excerpt_ += byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '.';
    }
  }
  size_ += bytes.size();
}

}  // namespace reprise::event
