// Follows HTTP/1.0 and HTTP/1.1 on a connection, both directions, in constant memory: heads are
// read line by line, bodies are skipped by their framing.
//
// Threading: as the decoder that owns it. Source: RFC 9112.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/codec.h"
#include "protocol/http1/syntax.h"
#include "protocol/line_buffer.h"
#include "protocol/pipeline.h"

namespace reprise::protocol::http1 {

class Http1Codec final : public Codec {
 public:
  // A head, or the trailers, that is longer is not read as HTTP.
  static constexpr std::uint64_t kMaxHead = std::uint64_t{8} * 1024 * 1024;

  explicit Http1Codec(Pipeline& pipeline) : pipeline_(pipeline) {}

  event::Protocol protocol() const override { return event::Protocol::kHttp1; }
  std::size_t feed(Side side, std::uint64_t offset, ByteSpan bytes) override;
  std::uint64_t skip(Side side, std::uint64_t offset, std::uint64_t count) override;
  void end(Side side, std::uint64_t offset, End how) override;

 private:
  enum class State : std::uint8_t {
    kBetween,  // messages
    kStartLine,
    kFields,
    kLength,  // `remaining` bytes of body
    kChunkLine,
    kChunkData,  // `remaining` bytes of a chunk
    kChunkEnd,   // the line end behind it
    kTrailers,
    kUntilClose,
  };

  // What is known of the message that one side is in the middle of.
  struct Reader {
    Side side;
    State state = State::kBetween;
    LineBuffer lines;
    FramingFields framing;
    std::string status;
    std::uint64_t begin = 0;      // of the message
    std::uint64_t remaining = 0;  // bytes of body or chunk
    std::uint64_t head = 0;       // bytes of head or trailers so far
  };

  bool begin_message(Reader& reader, std::uint64_t& offset, ByteSpan& bytes);
  void read_line(Reader& reader, std::uint64_t& offset, ByteSpan& bytes);
  void read_fields(Reader& reader, std::uint64_t& offset, ByteSpan& bytes);
  void read_chunk_end(Reader& reader, std::uint64_t& offset, ByteSpan& bytes);
  void take_line(Reader& reader, const LineBuffer::Line& line, std::uint64_t offset);
  void take_start_line(Reader& reader, const LineBuffer::Line& line);
  void take_chunk_line(Reader& reader, const LineBuffer::Line& line);
  void finish_head(Reader& reader, std::uint64_t offset);
  void finish_response_head(Reader& reader, std::uint64_t offset);
  void start_body(Reader& reader, const Framing& framing, std::uint64_t offset);
  void finish_message(Reader& reader, std::uint64_t offset);
  void unreadable(const Reader& reader, std::string why);
  void head_too_long(const Reader& reader);
  bool stopped(const Reader& reader) const { return stop(reader.side).has_value(); }

  Pipeline& pipeline_;
  Reader client_{.side = Side::kClient}, server_{.side = Side::kServer};
};

}  // namespace reprise::protocol::http1
