#include "cli/exchange_search.h"

#include <algorithm>
#include <map>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/message.h"

namespace reprise::cli {
namespace {

using event::Bytes;
using Ids = std::unordered_set<std::uint64_t>;

// Names of fields that change how a body's bytes look. In a head they stand behind a line end.
constexpr std::string_view kCodedBy[] = {"\ncontent-encoding:", "\ntransfer-encoding:"};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool contains(const Bytes& bytes, std::string_view text) {
  const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return all.find(text) != std::string_view::npos;
}

// Searches streams that come in pieces: of each stream the last few bytes are kept, so that what
// lies across two pieces is found.
class StreamSearch {
 public:
  StreamSearch(std::string text, bool ignore_case)
      : text_(std::move(text)), ignore_case_(ignore_case) {}

  // Stream offsets of occurrences that end in this piece. A piece that does not follow the one
  // before starts anew.
  template <typename Key>
  std::vector<std::uint64_t> feed(std::map<Key, std::pair<std::uint64_t, std::string>>& tails,
                                  const Key& key, std::uint64_t offset, const Bytes& bytes) const {
    auto& [expected, tail] = tails[key];
    if (expected != offset) tail.clear();
    std::string window = std::move(tail);
    const std::uint64_t begin = offset - window.size();
    window.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (ignore_case_) std::transform(window.begin(), window.end(), window.begin(), lower);
    std::vector<std::uint64_t> found;
    for (std::size_t at = window.find(text_); at != std::string::npos;
         at = window.find(text_, at + 1)) {
      found.push_back(begin + at);
    }
    expected = offset + bytes.size();
    tail = window.substr(window.size() - std::min(window.size(), text_.size() - 1));
    return found;
  }

 private:
  std::string text_;
  bool ignore_case_;
};

// One pass over the events.
class EventSearch {
 public:
  EventSearch(archive::Reader& reader, const std::string& text) : text_(text, false) {
    for (const std::string_view name : kCodedBy) coded_by_.emplace_back(std::string(name), true);
    coded_tails_.resize(coded_by_.size());
    reader.each_connection([this](const event::Connection& connection) {
      if (connection.direction == event::Direction::kInbound) inbound_.insert(connection.id.value);
      return true;
    });
  }

  void feed(const event::Event& event) {
    if (const auto* read = std::get_if<event::BytesReceived>(&event.fact)) {
      look(event, read->connection.value, false, read->offset, read->bytes);
    } else if (const auto* sent = std::get_if<event::SendIntended>(&event.fact)) {
      look(event, sent->connection.value, true, sent->offset, sent->bytes);
    } else if (const auto* log = std::get_if<event::LogWritten>(&event.fact)) {
      // A line may be written in parts; those of one thread follow one another.
      auto& [offset, tail] = log_tails_[{event.thread.value, log->stream}];
      const std::uint64_t begin = offset;
      if (!text_.feed(log_tails_, {event.thread.value, log->stream}, begin, log->bytes).empty()) {
        add(found_, event.context);
      }
    }
  }

  // Whether the exchange has an occurrence, as far as bytes that were sent as they are go.
  bool found(const event::Exchange& exchange) const {
    return found_.count(exchange.id.value) != 0 ||
           within(hits_, exchange.connection.value, false, exchange.request) ||
           within(hits_, exchange.connection.value, true, exchange.response);
  }
  // Whether bodies of it have to be decoded to know.
  bool coded(const event::Exchange& exchange) const {
    return coded_.count(exchange.id.value) != 0 ||
           within(coded_hits_, exchange.connection.value, false, exchange.request) ||
           within(coded_hits_, exchange.connection.value, true, exchange.response);
  }

 private:
  using Stream = std::tuple<std::uint64_t, bool>;  // connection, whether the service sent it
  using LogStream = std::tuple<std::uint64_t, std::uint8_t>;
  template <typename Key>
  using Tails = std::map<Key, std::pair<std::uint64_t, std::string>>;
  using Hits = std::map<Stream, std::vector<std::uint64_t>>;  // ascending offsets

  void look(const event::Event& event, std::uint64_t connection, bool sent, std::uint64_t offset,
            const Bytes& bytes) {
    const Stream stream{connection, sent};
    note(event, stream, text_.feed(tails_, stream, offset, bytes), hits_, found_);
    for (std::size_t i = 0; i < coded_by_.size(); ++i) {
      note(event, stream, coded_by_[i].feed(coded_tails_[i], stream, offset, bytes), coded_hits_,
           coded_);
    }
  }

  // On an inbound connection the offset tells the exchange, since one read may bring several; on an
  // outbound one the context does.
  void note(const event::Event& event, const Stream& stream,
            const std::vector<std::uint64_t>& offsets, Hits& hits, Ids& ids) {
    if (offsets.empty()) return;
    if (inbound_.count(std::get<0>(stream)) == 0) {
      add(ids, event.context);
      return;
    }
    auto& known = hits[stream];
    known.insert(known.end(), offsets.begin(), offsets.end());
  }

  static void add(Ids& ids, const event::Context& context) {
    if (context.kind == event::Context::Kind::kExchange) ids.insert(context.exchange.value);
  }

  static bool within(const Hits& hits, std::uint64_t connection, bool sent,
                     event::ByteRange range) {
    const auto found = hits.find({connection, sent});
    if (found == hits.end()) return false;
    return std::any_of(found->second.begin(), found->second.end(), [&](std::uint64_t offset) {
      return offset >= range.begin && offset < range.end;
    });
  }

  StreamSearch text_;
  std::vector<StreamSearch> coded_by_;
  Ids inbound_;  // connections
  Tails<Stream> tails_;
  std::vector<Tails<Stream>> coded_tails_;
  Tails<LogStream> log_tails_;
  Ids found_, coded_;
  Hits hits_, coded_hits_;
};

bool in_bodies(archive::Reader& reader, const event::Exchange& exchange, std::string_view text) {
  const auto request = reader.request(exchange);
  if (request &&
      contains(protocol::parse_request(exchange.protocol, *request, exchange.target).decoded_body,
               text)) {
    return true;
  }
  const auto response = reader.response(exchange);
  if (response &&
      contains(protocol::parse_response(exchange.protocol, *response, exchange.method).decoded_body,
               text)) {
    return true;
  }
  const auto calls = reader.calls(event::Context::of(exchange.id));
  if (!calls) return false;
  return std::any_of(calls->begin(), calls->end(), [&](const event::Call& call) {
    const auto asked = reader.request(call);
    if (asked &&
        contains(protocol::parse_request(call.protocol, *asked, call.target).decoded_body, text)) {
      return true;
    }
    const auto answered = reader.response(call);
    return answered &&
           contains(protocol::parse_response(call.protocol, *answered, "").decoded_body, text);
  });
}

}  // namespace

std::unordered_set<std::uint64_t> find_exchanges(archive::Reader& reader, const std::string& text) {
  EventSearch search(reader, text);
  reader.each_event([&](const event::Event& event) {
    search.feed(event);
    return true;
  });
  std::unordered_set<std::uint64_t> found;
  reader.each_exchange([&](const event::Exchange& exchange) {
    if (search.found(exchange) || (search.coded(exchange) && in_bodies(reader, exchange, text))) {
      found.insert(exchange.id.value);
    }
    return true;
  });
  return found;
}

}  // namespace reprise::cli
