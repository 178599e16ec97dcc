#include "protocol/annotated/codec.h"

#include <algorithm>
#include <optional>

#include "protocol/annotated/syntax.h"

namespace reprise::protocol::annotated {

std::size_t AnnotatedCodec::feed(Side side, std::uint64_t offset, ByteSpan bytes) {
  Reader& reader = this->reader(side);
  const std::size_t given = bytes.size();
  while (!bytes.empty() && !stop(side)) {
    if (reader.state == State::kBody) {
      const std::uint64_t passed = skip(side, offset, bytes.size());
      bytes = bytes.subspan(passed);
      offset += passed;
      continue;
    }
    if (reader.state == State::kBetween && !begin_message(reader, offset)) break;
    const std::size_t before = bytes.size();
    const auto line = reader.lines.take(bytes);
    offset += before - bytes.size();
    if (line && !line->truncated) {
      take_head(reader, line->text, offset);
    } else if (line || reader.lines.pending() > LineBuffer::kMaxLine) {
      unreadable(reader);
    }
  }
  return given - bytes.size();
}

bool AnnotatedCodec::begin_message(Reader& reader, std::uint64_t offset) {
  reader.begin = offset;
  if (reader.side == Side::kServer) {
    if (pipeline_.next_answer_is_opaque()) {
      stop_at(Side::kServer, {"the request is not readable", offset, false});
      return false;
    }
    pipeline_.begin_response(event::Protocol::kAnnotated, offset);
  } else if (!pipeline_.request_open()) {
    if (pipeline_.full()) {
      stop_at(Side::kClient, {"too many requests without a response", offset, false});
      return false;
    }
    pipeline_.begin_request(event::Protocol::kAnnotated, offset);
  }
  reader.state = State::kHead;
  return true;
}

void AnnotatedCodec::take_head(Reader& reader, std::string_view line, std::uint64_t offset) {
  std::uint64_t length = 0;
  if (reader.side == Side::kClient) {
    const auto head = parse_request_head(line);
    if (!head) {
      unreadable(reader);
      return;
    }
    Transaction& transaction = pipeline_.open_request();
    transaction.method = head->verb;
    transaction.operation = head->name;
    if (head->verb == "ENTRY") transaction.target = head->name;
    length = head->length;
  } else {
    const auto head = parse_response_head(line);
    if (!head) {
      unreadable(reader);
      return;
    }
    pipeline_.open_response().status = head->status;
    length = head->length;
  }
  reader.remaining = length;
  reader.state = State::kBody;
  if (length == 0) finish(reader, offset);
}

std::uint64_t AnnotatedCodec::skip(Side side, std::uint64_t offset, std::uint64_t count) {
  Reader& reader = this->reader(side);
  if (reader.state != State::kBody) return 0;
  const std::uint64_t passed = std::min(count, reader.remaining);
  reader.remaining -= passed;
  if (reader.remaining == 0) finish(reader, offset + passed);
  return passed;
}

void AnnotatedCodec::finish(Reader& reader, std::uint64_t offset) {
  reader.state = State::kBetween;
  if (reader.side == Side::kClient) {
    pipeline_.end_request(offset);
  } else {
    pipeline_.end_response(offset);
  }
}

// Nothing that follows on that side can be told apart. Without answers, requests say nothing
// either.
void AnnotatedCodec::unreadable(const Reader& reader) {
  const bool server = reader.side == Side::kServer;
  stop_at(reader.side, {server ? "an outcome is not readable" : "a call is not readable",
                        reader.begin, server});
}

}  // namespace reprise::protocol::annotated
