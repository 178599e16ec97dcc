#include "protocol/http1/codec.h"

#include <algorithm>
#include <utility>

namespace reprise::protocol::http1 {

using event::Protocol;

std::size_t Http1Codec::feed(Side side, std::uint64_t offset, ByteSpan bytes) {
  Reader& reader = side == Side::kClient ? client_ : server_;
  const std::size_t given = bytes.size();
  while (!bytes.empty() && !stopped(reader)) {
    switch (reader.state) {
      case State::kBetween:
        if (!begin_message(reader, offset, bytes)) {
          return given - bytes.size();
        }
        break;
      case State::kLength:
      case State::kChunkData:
      case State::kUntilClose: {
        const std::uint64_t passed = skip(side, offset, bytes.size());
        bytes = bytes.subspan(passed);
        offset += passed;
        break;
      }
      case State::kChunkEnd:
        read_chunk_end(reader, offset, bytes);
        break;
      case State::kFields:
        read_fields(reader, offset, bytes);
        break;
      case State::kStartLine:
      case State::kChunkLine:
      case State::kTrailers:
        read_line(reader, offset, bytes);
        break;
    }
  }
  return given - bytes.size();
}

std::uint64_t Http1Codec::skip(Side side, std::uint64_t offset, std::uint64_t count) {
  Reader& reader = side == Side::kClient ? client_ : server_;
  if (reader.state == State::kUntilClose) {
    return count;
  }
  if (reader.state != State::kLength && reader.state != State::kChunkData) {
    return 0;
  }
  const std::uint64_t passed = std::min(count, reader.remaining);
  reader.remaining -= passed;
  if (reader.remaining == 0) {
    if (reader.state == State::kLength) {
      finish_message(reader, offset + passed);
    } else {
      reader.state = State::kChunkEnd;
    }
  }
  return passed;
}

void Http1Codec::end(Side side, std::uint64_t offset, End how) {
  // Only a body that ends with the connection is whole then, and only if it ended in order.
  if (side == Side::kServer && how == End::kEof && server_.state == State::kUntilClose) {
    finish_message(server_, offset);
  }
}

// Passes over empty lines between messages, which RFC 9112 section 2.2 asks servers to ignore.
// Returns false when the side is at its end or no longer read.
bool Http1Codec::begin_message(Reader& reader, std::uint64_t& offset, ByteSpan& bytes) {
  const bool server = reader.side == Side::kServer;
  if (server && pipeline_.next_answer_is_opaque()) {
    stop_at(Side::kServer, {"the request is not readable", offset, false});
    return false;
  }
  while (!bytes.empty() && (bytes.front() == '\r' || bytes.front() == '\n')) {
    bytes = bytes.subspan(1);
    ++offset;
  }
  if (bytes.empty()) {
    return false;
  }
  reader.begin = offset;
  reader.head = 0;
  reader.state = State::kStartLine;
  if (server) {
    pipeline_.begin_response(Protocol::kHttp1, offset);
  } else if (!pipeline_.request_open()) {
    if (pipeline_.full()) {
      stop_at(Side::kClient, {"too many requests without a response", offset, false});
      return false;
    }
    pipeline_.begin_request(Protocol::kHttp1, offset);
  }
  return true;
}

void Http1Codec::read_line(Reader& reader, std::uint64_t& offset, ByteSpan& bytes) {
  const std::size_t before = bytes.size();
  const auto line = reader.lines.take(bytes);
  offset += before - bytes.size();
  const std::uint64_t head = reader.head + (line ? line->size : reader.lines.pending());
  if (head > kMaxHead) {
    head_too_long(reader);
    return;
  }
  if (line) {
    reader.head = head;
    take_line(reader, *line, offset);
  } else if (reader.state == State::kStartLine && reader.lines.pending() > LineBuffer::kMaxLine) {
    unreadable(reader, "the first line is longer than 64 KiB");
  }
}

// All of a head that is there: fields are most of what is read line by line.
void Http1Codec::read_fields(Reader& reader, std::uint64_t& offset, ByteSpan& bytes) {
  const std::uint64_t end = offset + bytes.size();
  bool over = false;
  while (!over && reader.head <= kMaxHead) {
    const auto line = reader.lines.take(bytes);
    if (!line) {
      break;
    }
    reader.head += line->size;
    over = line->text.empty();
    if (!over) {
      reader.framing.take(line->text);
    }
  }
  offset = end - bytes.size();
  if (reader.head + reader.lines.pending() > kMaxHead) {
    head_too_long(reader);
  } else if (over) {
    finish_head(reader, offset);
  }
}

void Http1Codec::read_chunk_end(Reader& reader, std::uint64_t& offset, ByteSpan& bytes) {
  const std::size_t before = bytes.size();
  const LineBuffer::Ending ending = reader.lines.take_end(bytes);
  offset += before - bytes.size();
  if (ending == LineBuffer::Ending::kTaken) {
    reader.state = State::kChunkLine;
    reader.head = 0;
  } else if (ending == LineBuffer::Ending::kMissing) {
    unreadable(reader, "a chunk is longer than its size says");
  }
}

// `offset` is that of the byte behind the line.
void Http1Codec::take_line(Reader& reader, const LineBuffer::Line& line, std::uint64_t offset) {
  switch (reader.state) {
    case State::kStartLine:
      take_start_line(reader, line);
      break;
    case State::kChunkLine:
      take_chunk_line(reader, line);
      break;
    case State::kTrailers:
      if (line.text.empty()) {
        finish_message(reader, offset);
      }
      break;
    default:
      break;
  }
}

void Http1Codec::take_start_line(Reader& reader, const LineBuffer::Line& line) {
  if (line.truncated) {
    unreadable(reader, "the first line is longer than 64 KiB");
    return;
  }
  if (reader.side == Side::kClient) {
    const auto request = parse_request_line(line.text);
    if (!request) {
      unreadable(reader, "not an HTTP/1 request line");
      return;
    }
    Transaction& transaction = pipeline_.open_request();
    transaction.method = request->method;
    transaction.target = request->target;
    transaction.operation = operation_name(request->method, request->target);
    transaction.prelude = request->method == "CONNECT";
  } else {
    const auto response = parse_status_line(line.text);
    if (!response) {
      unreadable(reader, "not an HTTP/1 status line");
      return;
    }
    reader.status = response->status;
  }
  reader.framing.clear();
  reader.state = State::kFields;
}

void Http1Codec::take_chunk_line(Reader& reader, const LineBuffer::Line& line) {
  const auto size = parse_chunk_size(line.text);
  if (!size) {
    unreadable(reader, "not a chunk size");
    return;
  }
  reader.remaining = *size;
  reader.head = 0;
  reader.state = *size == 0 ? State::kTrailers : State::kChunkData;
}

void Http1Codec::finish_head(Reader& reader, std::uint64_t offset) {
  if (reader.side == Side::kClient) {
    start_body(reader, reader.framing.of_request(), offset);
  } else {
    finish_response_head(reader, offset);
  }
}

void Http1Codec::finish_response_head(Reader& reader, std::uint64_t offset) {
  Transaction& transaction = pipeline_.open_response();
  if (reader.status.starts_with('1') && reader.status != "101") {
    // Interim: the response goes on with another head.
    reader.state = State::kStartLine;
    reader.head = 0;
    return;
  }
  transaction.status = reader.status;
  start_body(reader, reader.framing.of_response(reader.status, transaction.method), offset);
}

void Http1Codec::start_body(Reader& reader, const Framing& framing, std::uint64_t offset) {
  reader.head = 0;
  switch (framing.kind) {
    case Framing::Kind::kNone:
      finish_message(reader, offset);
      break;
    case Framing::Kind::kLength:
      reader.remaining = framing.length;
      reader.state = State::kLength;
      break;
    case Framing::Kind::kChunked:
      reader.state = State::kChunkLine;
      break;
    case Framing::Kind::kUntilClose:
      reader.state = State::kUntilClose;
      break;
    case Framing::Kind::kTunnel:
      finish_message(reader, offset);
      stop_at(Side::kServer, {reader.status == "101" ? "101 Switching Protocols" : "CONNECT tunnel",
                              offset, true});
      break;
    case Framing::Kind::kUnreadable:
      unreadable(reader, framing.why);
      break;
  }
}

void Http1Codec::finish_message(Reader& reader, std::uint64_t offset) {
  reader.state = State::kBetween;
  if (reader.side == Side::kClient) {
    pipeline_.end_request(offset);
  } else {
    pipeline_.end_response(offset);
  }
}

void Http1Codec::head_too_long(const Reader& reader) {
  unreadable(reader, "the head of a message is longer than 8 MiB");
}

void Http1Codec::unreadable(const Reader& reader, std::string why) {
  stop_at(reader.side, {std::move(why), reader.begin, reader.side == Side::kServer});
}

}  // namespace reprise::protocol::http1
