#include "protocol/postgresql/messages.h"

#include <algorithm>

#include "protocol/postgresql/startup.h"

namespace reprise::protocol::postgresql {

std::optional<WholeMessage> Messages::next() {
  const std::size_t type_bytes = rest_.starts_with('\0') ? 0 : 1;
  if (rest_.size() < type_bytes + 4) return std::nullopt;
  const std::uint32_t length = read_u32(rest_, type_bytes);
  if (length < 4) return std::nullopt;
  WholeMessage message;
  message.type = rest_.front();
  const std::size_t body = std::min<std::size_t>(length - 4, rest_.size() - type_bytes - 4);
  message.whole = body == length - 4;
  message.body = rest_.substr(type_bytes + 4, body);
  rest_.remove_prefix(type_bytes + 4 + body);
  return message;
}

}  // namespace reprise::protocol::postgresql
