#include "protocol/postgresql/fields.h"

namespace reprise::protocol::postgresql {

std::string_view Fields::fail() {
  ok_ = false;
  rest_ = {};
  return {};
}

std::string_view Fields::bytes(std::size_t count) {
  if (count > rest_.size()) return fail();
  const std::string_view taken = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return taken;
}

std::uint8_t Fields::byte() {
  const std::string_view taken = bytes(1);
  return taken.empty() ? 0 : static_cast<std::uint8_t>(taken[0]);
}

std::uint16_t Fields::u16() {
  const std::string_view taken = bytes(2);
  if (taken.empty()) return 0;
  return static_cast<std::uint16_t>(static_cast<unsigned char>(taken[0]) << 8 |
                                    static_cast<unsigned char>(taken[1]));
}

std::uint32_t Fields::u32() {
  const std::uint32_t high = u16();
  return high << 16 | u16();
}

std::string_view Fields::text() {
  const std::size_t end = rest_.find('\0');
  if (end == std::string_view::npos) return fail();
  const std::string_view taken = rest_.substr(0, end);
  rest_.remove_prefix(end + 1);
  return taken;
}

std::optional<std::string_view> Fields::value() {
  const std::uint32_t length = u32();
  if (!ok_ || length == UINT32_MAX) return std::nullopt;
  return bytes(length);
}

}  // namespace reprise::protocol::postgresql
