// Everything there is to show of one exchange, read and decoded.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "archive/reader.h"
#include "event/exchange.h"
#include "protocol/message.h"

namespace reprise::cli {

// What proves who somebody is (protocol/masking.h) is masked in a message, or not.
enum class Secrets { kMasked, kShown };

// A message, or why it is not there.
struct MessageView {
  std::optional<protocol::Message> message;
  bool masked = false;      // something of it is
  std::uint64_t bytes = 0;  // as sent
  std::string problem;
};

struct CallView {
  event::Call call;
  MessageView request, response;
  std::uint32_t tls = 0;  // of its connection, as on the wire; 0 none
};

struct LogLine {
  event::Stamp when;
  std::uint8_t stream = 1;  // 1 stdout, 2 stderr
  std::string text;         // without its end
};

struct LookupView {
  event::Stamp when;
  std::string node;
  std::string outcome;  // addresses, or why there are none
};

struct ExchangeView {
  event::Exchange exchange;
  std::optional<event::Connection> connection;
  MessageView request, response;
  std::vector<CallView> calls;
  std::map<std::string, std::uint64_t> clock_draws, random_draws;  // source -> how many
  std::vector<LookupView> lookups;
  std::vector<LogLine> log;
  std::vector<event::Gap> gaps;

  std::uint64_t clocks() const;   // draws from clocks
  std::uint64_t randoms() const;  // and from random sources
};

// Reads exchange `id`. Parts that are missing are said to be in the view.
[[nodiscard]] tl::expected<ExchangeView, archive::Error> view_exchange(archive::Reader& reader,
                                                                       event::ExchangeId id,
                                                                       Secrets secrets);

}  // namespace reprise::cli
