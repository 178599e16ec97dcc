// Fuzz target of the whole-message parsers and of the comparison. The first byte chooses the
// protocol; a byte 0xff splits the rest into two messages.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <span>

#include "protocol/message.h"

namespace {

using reprise::event::Protocol;
using reprise::protocol::Message;
using Degree = reprise::protocol::RequestComparison::Degree;

void require(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "broken: %s\n", what);
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  constexpr Protocol kProtocols[] = {Protocol::kHttp1, Protocol::kResp, Protocol::kOpaque,
                                     Protocol::kAnnotated, Protocol::kPostgres};
  const Protocol protocol = kProtocols[data[0] % std::size(kProtocols)];
  const std::span<const std::uint8_t> rest(data + 1, size - 1);
  const auto split =
      static_cast<std::size_t>(std::find(rest.begin(), rest.end(), 0xff) - rest.begin());
  const auto first = rest.subspan(0, split);
  const auto second = rest.subspan(std::min(split + 1, rest.size()));

  const Message a = reprise::protocol::parse_request(protocol, first, "");
  const Message b = reprise::protocol::parse_request(protocol, second, "");
  require(compare_requests(a, a).degree == Degree::kExact, "a request equals itself");
  require(compare_requests(a, b).degree == compare_requests(b, a).degree,
          "comparison is symmetric");
  require((compare_requests(a, b).degree == Degree::kExact) ==
              compare_requests(a, b).difference.empty(),
          "a difference is named, and only then");
  require(a.protocol != Protocol::kOpaque || std::ranges::equal(a.body, first),
          "opaque keeps all bytes");
  static_cast<void>(reprise::protocol::parse_response(protocol, first, "GET"));
  static_cast<void>(reprise::protocol::parse_response(protocol, second, "HEAD"));
  return 0;
}
