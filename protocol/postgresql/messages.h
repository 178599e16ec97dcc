// The messages in whole bytes, one after another (framer.h has the streaming reader).
//
// Views into the bytes, which outlive them.
#pragma once

#include <optional>
#include <string_view>

namespace reprise::protocol::postgresql {

struct WholeMessage {
  char type = 0;          // '\0': a packet of the start-up, whose body begins with its code
  std::string_view body;  // as far as it is there
  bool whole = true;
};

class Messages {
 public:
  explicit Messages(std::string_view bytes) : rest_(bytes) {}

  // None at the end, and where no message begins: rest() is not empty then.
  std::optional<WholeMessage> next();
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

}  // namespace reprise::protocol::postgresql
