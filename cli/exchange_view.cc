#include "cli/exchange_view.h"

#include <netdb.h>

#include <utility>
#include <variant>

#include "event/draws.h"
#include "protocol/masking.h"

namespace reprise::cli {
namespace {

std::uint64_t total(const std::map<std::string, std::uint64_t>& counts) {
  std::uint64_t sum = 0;
  for (const auto& [source, count] : counts) sum += count;
  return sum;
}

// Joins what a thread wrote to a stream into lines: a line may be written in parts.
class LogLines {
 public:
  explicit LogLines(std::vector<LogLine>& lines) : lines_(lines) {}

  void add(const event::Event& event, const event::LogWritten& log) {
    LogLine& open = open_[{event.thread.value, log.stream}];
    if (open.text.empty()) open.when = event.enter;
    open.stream = log.stream;
    for (const std::uint8_t byte : log.bytes) {
      if (byte != '\n') {
        open.text += static_cast<char>(byte);
        continue;
      }
      lines_.push_back(std::exchange(open, LogLine{event.enter, log.stream, ""}));
    }
  }
  void finish() {
    for (auto& [key, line] : open_) {
      if (!line.text.empty()) lines_.push_back(std::move(line));
    }
  }

 private:
  std::vector<LogLine>& lines_;
  std::map<std::pair<std::uint64_t, std::uint8_t>, LogLine> open_;
};

LookupView view_lookup(const event::Event& event, const event::LookedUp& lookup) {
  LookupView view{event.enter, lookup.node, ""};
  if (!lookup.service.empty()) view.node += ":" + lookup.service;
  if (lookup.result != 0) {
    view.outcome = gai_strerror(lookup.result);
    return view;
  }
  for (const event::LookupAddress& address : lookup.addresses) {
    if (view.outcome.find(address.address.text) != std::string::npos) continue;
    view.outcome += (view.outcome.empty() ? "" : ", ") + address.address.text;
  }
  return view;
}

void read_events(archive::Reader& reader, ExchangeView& view) {
  LogLines lines(view.log);
  const event::Context context = event::Context::of(view.exchange.id);
  reader.each_event_of(view.exchange.id, [&](const event::Event& event) {
    if (event.context != context) return true;
    if (const auto* clock = std::get_if<event::ClockRead>(&event.fact)) {
      ++view.clock_draws[event::source_name(event::Draw::Kind::kClock, clock->source)];
    } else if (const auto* random = std::get_if<event::RandomDrawn>(&event.fact)) {
      ++view.random_draws[event::source_name(event::Draw::Kind::kRandom, random->source)];
    } else if (const auto* lookup = std::get_if<event::LookedUp>(&event.fact)) {
      view.lookups.push_back(view_lookup(event, *lookup));
    } else if (const auto* log = std::get_if<event::LogWritten>(&event.fact)) {
      lines.add(event, *log);
    } else if (const auto* gap = std::get_if<event::Gap>(&event.fact)) {
      view.gaps.push_back(*gap);
    }
    return true;
  });
  lines.finish();
}

template <typename Parse>
MessageView view_message(event::ByteRange range,
                         const tl::expected<event::Bytes, archive::Error>& bytes, Parse parse) {
  MessageView view;
  view.bytes = range.size();
  if (!bytes) {
    view.problem = bytes.error().message;
  } else if (!range.empty()) {
    view.message = parse(*bytes);
  }
  return view;
}

void mask(MessageView& view) {
  if (view.message) view.masked = protocol::mask(*view.message);
}
void mask(ExchangeView& view) {
  mask(view.request);
  mask(view.response);
  for (CallView& call : view.calls) {
    mask(call.request);
    mask(call.response);
  }
}

}  // namespace

std::uint64_t ExchangeView::clocks() const { return total(clock_draws); }
std::uint64_t ExchangeView::randoms() const { return total(random_draws); }

tl::expected<ExchangeView, archive::Error> view_exchange(archive::Reader& reader,
                                                         event::ExchangeId id, Secrets secrets) {
  auto exchange = reader.exchange(id);
  if (!exchange) return tl::unexpected(exchange.error());
  ExchangeView view;
  view.exchange = *exchange;
  if (auto connection = reader.connection(exchange->connection)) view.connection = *connection;
  view.request =
      view_message(exchange->request, reader.request(*exchange), [&](const event::Bytes& b) {
        return protocol::parse_request(exchange->protocol, b, exchange->target);
      });
  view.response =
      view_message(exchange->response, reader.response(*exchange), [&](const event::Bytes& b) {
        return protocol::parse_response(exchange->protocol, b, exchange->method);
      });
  if (auto calls = reader.calls(event::Context::of(id))) {
    for (event::Call& call : *calls) {
      CallView one;
      one.request = view_message(call.request, reader.request(call), [&](const event::Bytes& b) {
        return protocol::parse_request(call.protocol, b, call.target);
      });
      const std::string method = one.request.message ? one.request.message->method : "";
      one.response = view_message(call.response, reader.response(call), [&](const event::Bytes& b) {
        return protocol::parse_response(call.protocol, b, method);
      });
      if (auto connection = reader.connection(call.connection)) one.tls = connection->tls;
      one.call = std::move(call);
      view.calls.push_back(std::move(one));
    }
  }
  read_events(reader, view);
  if (secrets == Secrets::kMasked) mask(view);
  return view;
}

}  // namespace reprise::cli
