// Reads the fields of a message's body off its front: integers in network byte order, strings that
// end in a zero byte, counted bytes (PostgreSQL documentation, section 55.6 "Message Data Types").
//
// Never reads past the end: what is not there leaves ok() false and gives zeros and empty views.
// Views into the body, which outlives them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace reprise::protocol::postgresql {

class Fields {
 public:
  explicit Fields(std::string_view body) : rest_(body) {}

  bool ok() const { return ok_; }
  bool empty() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }

  std::uint8_t byte();
  std::uint16_t u16();
  std::uint32_t u32();
  std::string_view text();                    // up to a zero byte, which is taken, too
  std::string_view bytes(std::size_t count);  // exactly as many
  // An Int32 length with its bytes; none for length -1, which stands for NULL.
  std::optional<std::string_view> value();

 private:
  std::string_view fail();

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace reprise::protocol::postgresql
