// Follows what the SDK says on a connection: calls and inputs with their outcomes, each a head and
// counted bytes (syntax.h). Constant memory.
//
// Threading: as the decoder that owns it.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/codec.h"
#include "protocol/line_buffer.h"
#include "protocol/pipeline.h"

namespace reprise::protocol::annotated {

class AnnotatedCodec final : public Codec {
 public:
  explicit AnnotatedCodec(Pipeline& pipeline) : pipeline_(pipeline) {}

  event::Protocol protocol() const override { return event::Protocol::kAnnotated; }
  std::size_t feed(Side side, std::uint64_t offset, ByteSpan bytes) override;
  std::uint64_t skip(Side side, std::uint64_t offset, std::uint64_t count) override;
  void end(Side, std::uint64_t, End) override {}  // every message has an end of its own

 private:
  enum class State : std::uint8_t { kBetween, kHead, kBody };
  struct Reader {
    Side side;
    State state = State::kBetween;
    LineBuffer lines;
    std::uint64_t begin = 0;      // of the message
    std::uint64_t remaining = 0;  // bytes of its body
  };

  Reader& reader(Side side) { return side == Side::kClient ? client_ : server_; }
  bool begin_message(Reader& reader, std::uint64_t offset);
  void take_head(Reader& reader, std::string_view line, std::uint64_t offset);
  void finish(Reader& reader, std::uint64_t offset);
  void unreadable(const Reader& reader);

  Pipeline& pipeline_;
  Reader client_{.side = Side::kClient}, server_{.side = Side::kServer};
};

}  // namespace reprise::protocol::annotated
