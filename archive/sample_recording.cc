#include "archive/sample_recording.h"

#include <map>

namespace reprise::archive {
namespace {

using event::Bytes;

Bytes bytes(const std::string& text) { return {text.begin(), text.end()}; }

constexpr std::uint64_t kConnections = 3;       // inbound: 1 to 3
constexpr std::uint64_t kCallConnection = 100;  // outbound, shared
constexpr std::uint64_t kBegin = 5'000'000'000;

// Stream offsets of all connections so far, and the stamp clock.
class Sample {
 public:
  explicit Sample(Writer& writer) : writer_(writer) {}

  void write_connections();
  void write_exchange(std::uint64_t id);

 private:
  event::Stamp tick() { return {now_ += 1000}; }
  template <typename Fact>
  void append(Fact fact) {
    event_.position++;
    event_.enter = tick();
    event_.exit = tick();
    event_.fact = std::move(fact);
    writer_.append(event_);
  }
  event::ByteRange received(std::uint64_t connection, const std::string& text);
  event::ByteRange sent(std::uint64_t connection, const std::string& text);

  Writer& writer_;
  event::Event event_;
  std::uint64_t now_ = kBegin;
  std::map<std::uint64_t, std::uint64_t> in_, out_;
};

event::ByteRange Sample::received(std::uint64_t connection, const std::string& text) {
  const std::uint64_t begin = in_[connection];
  append(event::BytesReceived{
      .connection = {connection}, .offset = begin, .requested = 4096, .bytes = bytes(text)});
  in_[connection] += text.size();
  return {begin, in_[connection]};
}

event::ByteRange Sample::sent(std::uint64_t connection, const std::string& text) {
  const std::uint64_t begin = out_[connection];
  append(event::SendIntended{.connection = {connection}, .offset = begin, .bytes = bytes(text)});
  append(event::SendFinished{{connection}, begin, static_cast<std::int64_t>(text.size()), 0});
  out_[connection] += text.size();
  return {begin, out_[connection]};
}

void Sample::write_connections() {
  for (std::uint64_t id = 1; id <= kConnections; ++id) {
    event::Connection connection;
    connection.id = {id};
    connection.process = {1};
    connection.protocol = event::Protocol::kHttp1;
    connection.local.text = "127.0.0.1:8080";
    connection.peer.text = "127.0.0.1:" + std::to_string(40000 + id);
    connection.listener = {50};
    connection.opened = tick();
    writer_.append(connection);
  }
  event::Connection connection;
  connection.id = {kCallConnection};
  connection.process = {1};
  connection.direction = event::Direction::kOutbound;
  connection.protocol = event::Protocol::kHttp1;
  connection.peer.text = "127.0.0.1:9090";
  connection.peer_name = "stock";
  connection.opened = tick();
  writer_.append(connection);
}

void Sample::write_exchange(std::uint64_t id) {
  event_.process = {1};
  event_.thread = {1 + id % 2};
  event_.context = event::Context::of({id});
  event::Exchange exchange;
  exchange.id = {id};
  exchange.connection = {1 + id % kConnections};
  exchange.ordinal = 1 + (id - 1) / kConnections;
  exchange.process = {1};
  exchange.protocol = event::Protocol::kHttp1;
  exchange.method = "GET";
  exchange.target = "/item/" + std::to_string(id);
  exchange.first_byte_in = exchange.last_byte_in = {now_ + 1000};
  exchange.request = received(exchange.connection.value, sample_request(id));
  writer_.append(exchange);  // as it begins
  append(event::ClockRead{.source = 0, .value_ns = 1'700'000'000'000'000'000 + std::int64_t(id)});
  event::Call call;
  call.id = {id};
  call.context = event_.context;
  call.connection = {kCallConnection};
  call.protocol = event::Protocol::kHttp1;
  call.peer = "stock:9090";
  call.operation = "GET /stock";
  call.target = "/stock";
  call.first_byte_out = call.last_byte_out = {now_ + 1000};
  call.request = sent(kCallConnection, sample_call_request(id));
  call.first_byte_in = call.last_byte_in = {now_ + 1000};
  call.response = received(kCallConnection, sample_call_response(id));
  call.status = "200";
  call.complete = true;
  writer_.append(call);
  append(event::RandomDrawn{.source = 1, .bytes = {std::uint8_t(id), 2, 3, 4}});
  append(event::LogWritten{1, bytes(sample_log(id))});
  exchange.first_byte_out = {now_ + 1000};
  exchange.response = sent(exchange.connection.value, sample_response(id));
  exchange.last_byte_out = {now_};
  exchange.status = id % 5 == 0 ? "500" : "200";
  exchange.calls = 1;
  exchange.draws = 2;
  exchange.complete = true;
  writer_.append(exchange);  // and as it ended
}

}  // namespace

Header sample_header() {
  Header header;
  header.session = "00112233445566778899aabbccddeeff";
  header.reprise_version = "0.1.0";
  header.command = {"/usr/bin/service", "--port", "8080"};
  header.working_directory = "/srv";
  header.host = "production-1";
  header.stamps_per_second = 1'000'000'000;
  header.epoch = {kBegin};
  header.realtime_epoch_ns = 1'700'000'000'000'000'000;
  header.monotonic_epoch_ns = 12345;
  return header;
}

Trailer sample_trailer() {
  Trailer trailer;
  trailer.exit = {event::ProcessExited::How::kCode, 0};
  trailer.exited = true;
  return trailer;
}

std::vector<event::Event> one_of_each_fact() {
  const event::Address address{"127.0.0.1:80", {2, 0, 0, 80, 127, 0, 0, 1}};
  const std::vector<event::Fact> facts = {
      event::ProcessStarted{
          "/usr/bin/service", {"service", "-x"}, {"HOME=/", "A=b"}, 42, {0}, "0", 1},
      event::ModuleLoaded{"/lib/libc.so.6", 0x1000, 0x2000, 0x1000},
      event::ProcessForked{{2}, 1, 0},
      event::ProgramExecuted{"/bin/true", false, 2},
      event::ProcessExited{event::ProcessExited::How::kSignal, 11},
      event::SignalReceived{11, 1, 77, 0xdead, true},
      event::ThreadStarted{3, 1, 4242},
      event::ThreadEnded{},
      event::HandedOff{event::HandedOff::Kind::kTake, 99},
      event::Listened{{50}, address, 0},
      event::Accepted{{50}, {51}, address, address, 11, 12},
      event::Connected{{52}, address, address, 1, 115},
      event::ConnectFinished{{52}, 111},
      event::Paired{{53}, {54}},
      event::ShutDown{{52}, 1, 107},
      event::Closed{{52}, 17},
      event::BytesReceived{{52}, 5, 4096, 0, {1, 2, 3}, true},
      event::SendIntended{{52}, 6, {4, 5, 6}, true},
      event::SendFinished{{52}, 6, -1, 32},
      event::FileRangeSent{{52}, 9, "/srv/file", 1, 2, 300, 4, 5, 100, 1},
      event::Waited{event::Waited::Kind::kPoll, -1, 2, 4, {{{52}, true, false, true, false}}, 3},
      event::ClockRead{1, -5, 0x1234, true, false},
      event::RandomDrawn{2, {9, 9}, 0x4321, 11, false, true},
      event::LookedUp{"stock", "http", "stock.local", 2, 1, 6, 7, -2, 3, {{2, 1, 6, address}}},
      event::CallAnnotated{"charge", {1}, {2, 3}, true},
      event::EntryPassed{"job", 5, true, {7}},
      event::LogWritten{2, {'h', 'i', '\n'}},
      event::Gap{3, 400, "the arena was full"},
      event::LeakSeen{228, 0x99},
      event::FileOpened{"/srv/shop.json", 1, 3, 1200, 5, 0xfeed},
      event::TlsNegotiated{{52}, 5, 6, 0x304, true, true, 10, 71, "shop", "h2", "AES", {0x30}},
  };
  std::vector<event::Event> events;
  for (const event::Fact& fact : facts) {
    event::Event event;
    event.process = {1};
    event.thread = {7};
    event.position = events.size() + 1;
    event.enter = {kBegin - 1'000'000 + 10 * events.size()};
    event.exit = {event.enter.ticks + 5};
    event.fact = fact;
    events.push_back(event);
  }
  return events;
}

void write_sample(Writer& writer, const SampleOptions& options) {
  for (const event::Event& event : one_of_each_fact()) writer.append(event);
  (void)writer.store(Bytes(1000, 'x'));
  Sample sample(writer);
  sample.write_connections();
  for (std::uint64_t id = 1; id <= options.exchanges; ++id) {
    sample.write_exchange(id);
    // A failure shows later: what was not written is still to be.
    if (options.flush_every != 0 && id % options.flush_every == 0) (void)writer.flush();
  }
}

std::string sample_request(std::uint64_t id) {
  return "GET /item/" + std::to_string(id) + " HTTP/1.1\r\nHost: sample\r\n\r\n";
}
std::string sample_response(std::uint64_t id) {
  const std::string body = "{\"item\": " + std::to_string(id) + "}";
  return "HTTP/1.1 " + std::string(id % 5 == 0 ? "500 Oops" : "200 OK") +
         "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}
std::string sample_call_request(std::uint64_t id) {
  return "GET /stock?id=" + std::to_string(id) + " HTTP/1.1\r\nHost: stock\r\n\r\n";
}
std::string sample_call_response(std::uint64_t id) {
  const std::string body = "left " + std::to_string(1000 - id);
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
std::string sample_log(std::uint64_t id) {
  return "request-id " + std::to_string(7000 + id) + " done\n";
}

}  // namespace reprise::archive
