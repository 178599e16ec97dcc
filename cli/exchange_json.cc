#include "cli/exchange_json.h"

#include <nlohmann/json.hpp>

#include "cli/archive_access.h"
#include "cli/text.h"

namespace reprise::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Json optional(const std::optional<std::int64_t>& value) { return value ? Json(*value) : Json(); }

Json exchange_fields(const archive::Header& header, const event::Exchange& exchange) {
  Json json;
  json["exchange"] = exchange.id.value;
  json["connection"] = exchange.connection.value;
  json["process"] = exchange.process.value;
  json["method"] = exchange.method;
  json["target"] = exchange.target;
  json["status"] = exchange.status;
  json["started_unix_ns"] = header.unix_time(exchange.first_byte_in).value;
  json["duration_ns"] = optional(duration_of(header, exchange));
  json["request_bytes"] = exchange.request.size();
  json["response_bytes"] = exchange.response.size();
  json["calls"] = exchange.calls;
  json["draws"] = exchange.draws;
  json["complete"] = exchange.complete;
  return json;
}

Json pairs(const std::vector<std::pair<std::string, std::string>>& fields) {
  Json json = Json::array();
  for (const auto& [name, value] : fields) json.push_back(Json::array({name, value}));
  return json;
}

Json message_json(const MessageView& view) {
  if (!view.message) {
    Json json;
    json["headers"] = Json::array();
    json["body_base64"] = "";
    if (!view.problem.empty()) json["problem"] = view.problem;
    return json;
  }
  const protocol::Message& message = *view.message;
  Json json;
  json["headers"] = pairs(message.headers);
  if (!message.trailers.empty()) json["trailers"] = pairs(message.trailers);
  json["body_base64"] = base64(message.body);
  if (message.decoded_body != message.body) {
    json["decoded_body_base64"] = base64(message.decoded_body);
  }
  if (!message.body_problem.empty()) json["problem"] = message.body_problem;
  if (view.masked) json["masked"] = true;
  return json;
}

Json context_json(const event::Context& context) {
  if (context.kind == event::Context::Kind::kExchange) return context.exchange.value;
  return context_text(context);
}

Json calls_json(const archive::Header& header, const std::vector<CallView>& calls) {
  Json json = Json::array();
  std::uint64_t index = 0;
  for (const CallView& view : calls) {
    const event::Call& call = view.call;
    Json one;
    one["index"] = index++;
    one["protocol"] = protocol_text(call.protocol);
    one["peer"] = call.peer;
    one["operation"] = call.operation;
    one["target"] = call.target;
    one["status"] = call.status;
    one["context"] = context_json(call.context);
    one["duration_ns"] = optional(duration_of(header, call));
    one["complete"] = call.complete;
    if (view.tls != 0) one["tls"] = tls_text(view.tls);
    one["request"] = message_json(view.request);
    one["response"] = message_json(view.response);
    json.push_back(std::move(one));
  }
  return json;
}

Json log_json(const archive::Header& header, const ExchangeView& view) {
  Json json = Json::array();
  for (const LogLine& line : view.log) {
    Json one;
    one["stream"] = line.stream == 2 ? "stderr" : "stdout";
    one["offset_ns"] = header.nanoseconds(view.exchange.first_byte_in, line.when);
    one["text"] = line.text;
    json.push_back(std::move(one));
  }
  return json;
}

}  // namespace

std::string exchange_line_json(const archive::Header& header, const event::Exchange& exchange) {
  return dump(exchange_fields(header, exchange), -1);
}

std::string exchange_json(const archive::Header& header, const ExchangeView& view) {
  Json json = exchange_fields(header, view.exchange);
  if (!view.exchange.complete) json["incomplete_why"] = view.exchange.incomplete_why;
  if (view.connection && view.connection->tls != 0) json["tls"] = tls_text(view.connection->tls);
  json["request"] = message_json(view.request);
  json["response"] = message_json(view.response);
  json["external_calls"] = calls_json(header, view.calls);
  json["draws"] = {{"clock", view.clocks()}, {"random", view.randoms()}};
  json["draw_sources"] = {{"clock", view.clock_draws}, {"random", view.random_draws}};
  json["log"] = log_json(header, view);
  return dump(json, 2);
}

}  // namespace reprise::cli
