// Fuzz target of the streaming decoder. The input is a sequence of steps: a byte of which bit 0 is
// the side and bits 1 to 2 the kind (0, 1 bytes; 2 unseen bytes; 3 end), a byte of length, and that
// many bytes. What the sink is told must be consistent, and must not depend on how bytes are cut.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "protocol/decoder.h"

namespace reprise::protocol {
namespace {

void require(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "broken: %s\n", what);
    std::abort();
  }
}

// Ranges lie within what was fed, in order, and nothing ends that did not begin.
class CheckingSink final : public TransactionSink {
 public:
  explicit CheckingSink(const std::uint64_t (&fed)[2]) : fed_(fed) {}

  void on_request_begin(const Transaction& t) override {
    require(!t.push && t.ordinal == ++requests_, "requests are numbered in order");
    require(t.request.begin >= request_end_, "requests do not overlap");
    note('b', t);
  }
  void on_request_end(const Transaction& t) override {
    require(t.request.begin <= t.request.end && t.request.end <= fed_[0],
            "a request lies in its bytes");
    require(ended_ + 1 == t.ordinal && t.ordinal <= requests_, "requests end in order");
    ended_ = t.ordinal;
    request_end_ = t.request.end;
    note('e', t);
  }
  void on_response_begin(const Transaction& t) override {
    require(t.push || t.ordinal <= requests_, "a response has a request");
    note('B', t);
  }
  void on_response_end(const Transaction& t) override {
    require(t.response.begin <= t.response.end && t.response.end <= fed_[1],
            "a response lies in its bytes");
    require(t.response.begin >= response_end_ || t.response.empty(), "responses do not overlap");
    response_end_ = t.response.end;
    note('E', t);
  }
  void on_opaque(event::Protocol, std::string_view why, std::uint64_t, std::uint64_t) override {
    require(++opaque_ == 1, "opaque is told once");
    log_ += "opaque " + std::string(why) + "\n";
  }

  const std::string& log() const { return log_; }

 private:
  void note(char what, const Transaction& t) {
    log_ += what + std::to_string(t.ordinal) + (t.push ? "p " : " ");
    if (what == 'e') {
      log_ += std::to_string(t.request.begin) + "-" + std::to_string(t.request.end) + t.operation;
    } else if (what == 'E') {
      log_ += std::to_string(t.response.begin) + "-" + std::to_string(t.response.end) + t.status;
    }
    log_ += '\n';
  }

  const std::uint64_t (&fed_)[2];
  std::uint64_t requests_ = 0, ended_ = 0, request_end_ = 0, response_end_ = 0;
  int opaque_ = 0;
  std::string log_;
};

std::string decode(const std::uint8_t* data, std::size_t size, std::size_t piece) {
  std::uint64_t fed[2] = {0, 0};
  bool ended[2] = {false, false};
  CheckingSink sink(fed);
  const auto decoder = make_decoder(sink);
  while (size >= 2) {
    const Side side = (data[0] & 1) == 0 ? Side::kClient : Side::kServer;
    const auto index = static_cast<std::size_t>(side);
    const int kind = (data[0] >> 1) & 3;
    const std::size_t length = std::min<std::size_t>(data[1], size - 2);
    if (ended[index]) {
      // Nothing comes behind an end.
    } else if (kind == 3) {
      ended[index] = true;
      decoder->end(side, (data[1] & 1) == 0 ? End::kEof : End::kReset);
      data += 2;
      size -= 2;
      continue;
    } else if (kind == 2) {
      fed[index] += length;
      decoder->skip(side, length);
    } else {
      fed[index] += length;
      for (std::size_t at = 0; at < length; at += piece) {
        decoder->feed(side, {data + 2 + at, std::min(piece, length - at)});
      }
    }
    data += 2 + length;
    size -= 2 + length;
  }
  return sink.log();
}

}  // namespace
}  // namespace reprise::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string whole = reprise::protocol::decode(data, size, 256);
  const std::string cut = reprise::protocol::decode(data, size, 1);
  if (cut != whole) {
    std::fprintf(stderr, "whole:\n");
    std::fwrite(whole.data(), 1, whole.size(), stderr);
    std::fprintf(stderr, "\ncut:\n");
    std::fwrite(cut.data(), 1, cut.size(), stderr);
  }
  reprise::protocol::require(cut == whole, "cuts do not matter");
  return 0;
}
