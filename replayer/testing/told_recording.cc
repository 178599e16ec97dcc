#include "replayer/testing/told_recording.h"

#include <sys/socket.h>

#include <stdexcept>

#include "archive/sample_disk.h"

namespace reprise::replayer {

event::Event& ToldRecording::tell(event::Fact fact) {
  event::Event& event = events.emplace_back();
  event.process = process;
  event.thread = thread;
  event.position = events.size();
  event.enter = event.exit = {now_ticks += 1000};
  event.context = context;
  event.fact = std::move(fact);
  return event;
}

Moment ToldRecording::now() const { return Timeline(archive::sample_header()).at({now_ticks}); }

event::ConnectionId ToldRecording::accept() {
  const event::ConnectionId id{connections.size() + 1};
  event::Connection& connection = connections[id];
  connection.id = id;
  connection.process = process;
  connection.listener = kTestListener;
  connection.peer.text = "198.51.100.7:" + std::to_string(40000 + id.value);
  tell(event::Accepted{.listener = kTestListener, .connection = id, .peer = connection.peer});
  connection.opened = {now_ticks};
  return id;
}

event::ConnectionId ToldRecording::connect(const std::string& peer, int error) {
  const event::ConnectionId id{connections.size() + 1};
  event::Connection& connection = connections[id];
  connection.id = id;
  connection.process = process;
  connection.direction = event::Direction::kOutbound;
  connection.peer = address_of(peer);
  tell(event::Connected{
      .connection = id, .peer = connection.peer, .type = SOCK_STREAM, .error = error});
  connection.opened = {now_ticks};
  return id;
}

event::ByteRange ToldRecording::receive(event::ConnectionId connection, const std::string& bytes,
                                        std::uint64_t requested) {
  const std::uint64_t begin = in_[connection];
  tell(event::BytesReceived{
      .connection = connection, .offset = begin, .requested = requested, .bytes = bytes_of(bytes)});
  return {begin, in_[connection] += bytes.size()};
}

void ToldRecording::receive_nothing(event::ConnectionId connection, int error) {
  tell(event::BytesReceived{
      .connection = connection, .offset = in_[connection], .requested = 4096, .error = error});
}

event::ByteRange ToldRecording::send(event::ConnectionId connection, const std::string& bytes) {
  const std::uint64_t begin = out_[connection];
  tell(event::SendIntended{.connection = connection, .offset = begin, .bytes = bytes_of(bytes)});
  tell(event::SendFinished{connection, begin, static_cast<std::int64_t>(bytes.size()), 0});
  return {begin, out_[connection] += bytes.size()};
}

void ToldRecording::report(std::vector<event::ConnectionId> readable) {
  event::Waited waited{.result = static_cast<std::int32_t>(readable.size())};
  for (const event::ConnectionId connection : readable) {
    waited.ready.push_back({.connection = connection, .readable = true});
  }
  tell(std::move(waited));
}

event::ExchangeId ToldRecording::begin(event::ConnectionId connection, const std::string& request) {
  context = event::Context::of({exchanges.size() + 1});
  return begin_at(connection, receive(connection, request));
}

event::ExchangeId ToldRecording::begin_at(event::ConnectionId connection,
                                          event::ByteRange request) {
  const event::ExchangeId id{exchanges.size() + 1};
  context = event::Context::of(id);
  event::Exchange& exchange = exchanges[id];
  exchange.id = id;
  exchange.connection = connection;
  exchange.ordinal = ++ordinals_[connection];
  exchange.process = process;
  exchange.protocol = event::Protocol::kHttp1;
  exchange.method = "GET";
  exchange.request = request;
  exchange.first_byte_in = exchange.last_byte_in = {now_ticks};
  return id;
}

void ToldRecording::answer(event::ExchangeId id, const std::string& response) {
  event::Exchange& exchange = exchanges.at(id);
  exchange.response = send(exchange.connection, response);
  exchange.status = response.substr(9, 3);
  exchange.first_byte_out = exchange.last_byte_out = {now_ticks};
  exchange.complete = true;
}

event::CallId ToldRecording::call(const ToldCall& told) {
  if (!peers_.contains(told.peer)) peers_[told.peer] = connect(told.peer);
  const event::ConnectionId connection = peers_[told.peer];
  const event::CallId id{calls.size() + 1};
  event::Call& call = calls[id];
  call.id = id;
  call.context = context;
  call.connection = connection;
  call.protocol = told.protocol;
  call.peer = told.peer;
  call.operation = told.operation;
  call.target = told.target;
  call.request = send(connection, told.request);
  call.first_byte_out = call.last_byte_out = {now_ticks};
  call.response = receive(connection, told.response);
  call.first_byte_in = call.last_byte_in = {now_ticks};
  call.prelude = told.prelude;
  call.complete = true;
  return id;
}

std::unique_ptr<Plan> ToldRecording::plan(const Selection& selection) {
  auto disk = std::make_shared<archive::MemoryDisk>();
  const auto writer = archive::writer_on(disk);
  for (const event::Event& event : events) writer->append(event);
  for (const auto& [id, connection] : connections) writer->append(connection);
  for (const auto& [id, exchange] : exchanges) writer->append(exchange);
  for (const auto& [id, call] : calls) writer->append(call);
  if (!writer->finish({})) throw std::runtime_error("the told recording was not written");
  reader_ = *archive::reader_on(disk);
  auto plan = Plan::read(*reader_, selection);
  if (!plan) throw std::runtime_error(plan.error().message);
  return *std::move(plan);
}

event::Address address_of(const std::string& peer) {
  // A name is no address: what a peer is called must not be what it is known by.
  return {"192.0.2.1#" + peer, {}};
}

std::string get(const std::string& target, const std::string& headers) {
  return "GET " + target + " HTTP/1.1\r\nHost: stock\r\n" + headers + "\r\n";
}

std::string ok(const std::string& body, const std::string& headers) {
  return "HTTP/1.1 200 OK\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

std::string command(const std::vector<std::string>& arguments) {
  std::string text = "*" + std::to_string(arguments.size()) + "\r\n";
  for (const std::string& argument : arguments) {
    text += "$" + std::to_string(argument.size()) + "\r\n" + argument + "\r\n";
  }
  return text;
}

event::Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }
std::string text_of(const event::Bytes& bytes) { return {bytes.begin(), bytes.end()}; }

}  // namespace reprise::replayer
