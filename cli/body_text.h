// Bodies for people: JSON indented, text as it is, anything else as a hex dump.
#pragma once

#include <cstddef>
#include <string>

#include "protocol/message.h"

namespace reprise::cli {

struct BodyText {
  std::string text;          // lines, each with its end; safe to print
  std::string kind;          // "JSON", "text", "binary"
  std::uint64_t hidden = 0;  // bytes left out because of the limit
};

// `limit` bounds the bytes that are shown, 0 for all.
BodyText body_text(const protocol::Message& message, std::size_t limit);

}  // namespace reprise::cli
