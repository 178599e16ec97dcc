#include "event/byte_digest.h"

#include <algorithm>

namespace reprise::event {
namespace {

constexpr std::uint64_t kFnvPrime = 0x100000001b3;
constexpr std::size_t kExcerpt = 60;

char shown(std::uint8_t byte) {
  return byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '.';
}

}  // namespace

std::string excerpt_of(std::span<const std::uint8_t> bytes, std::size_t from) {
  std::string text;
  for (const std::uint8_t byte :
       bytes.subspan(from).first(std::min(kExcerpt, bytes.size() - from))) {
    text += shown(byte);
  }
  return text;
}

void ByteDigest::add(std::span<const std::uint8_t> bytes) {
  for (const std::uint8_t byte : bytes) {
    hash_ = (hash_ ^ byte) * kFnvPrime;
    if (excerpt_.size() < kExcerpt) excerpt_ += shown(byte);
  }
  size_ += bytes.size();
  if (keeps_) whole_.insert(whole_.end(), bytes.begin(), bytes.end());
}

}  // namespace reprise::event
