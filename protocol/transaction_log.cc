#include "protocol/transaction_log.h"

#include <algorithm>
#include <span>

namespace reprise::protocol {
namespace {

std::string name(const Transaction& transaction, std::string_view what) {
  return std::string(transaction.push ? "push" : what) + " " + std::to_string(transaction.ordinal);
}

std::string range(event::ByteRange range) {
  return " [" + std::to_string(range.begin) + "," + std::to_string(range.end) + ")";
}

std::string protocol_name(event::Protocol protocol) {
  switch (protocol) {
    case event::Protocol::kHttp1:
      return " http";
    case event::Protocol::kResp:
      return " resp";
    case event::Protocol::kPostgres:
      return " postgres";
    case event::Protocol::kAnnotated:
      return " annotated";
    case event::Protocol::kUdp:
      return " udp";
    case event::Protocol::kOpaque:
      return " opaque";
    default:
      return " unknown";
  }
}

void remove(std::vector<std::string>& open, const std::string& line) {
  const auto found = std::find_if(open.begin(), open.end(), [&](const std::string& candidate) {
    return candidate.starts_with(line + " ");
  });
  if (found == open.end()) {
    open.push_back("ended without having begun: " + line);
  } else {
    open.erase(found);
  }
}

void feed(ConnectionDecoder& decoder, const Step& step, std::string_view piece) {
  decoder.feed(step.side, {reinterpret_cast<const std::uint8_t*>(piece.data()), piece.size()});
}

}  // namespace

void TransactionLog::on_request_begin(const Transaction& transaction) {
  open_.push_back(name(transaction, "request") + " [" + std::to_string(transaction.request.begin) +
                  ",");
}

void TransactionLog::on_request_end(const Transaction& transaction) {
  remove(open_, name(transaction, "request"));
  requests_.push_back(transaction);
  std::string line = name(transaction, "request") + range(transaction.request) +
                     protocol_name(transaction.protocol);
  for (const std::string& part : {transaction.operation, transaction.target}) {
    line += part.empty() ? "" : " " + part;
  }
  lines_.push_back(line + (transaction.prelude ? " (prelude)" : ""));
}

void TransactionLog::on_response_begin(const Transaction& transaction) {
  open_.push_back(name(transaction, "response") + " [" +
                  std::to_string(transaction.response.begin) + ",");
}

void TransactionLog::on_response_end(const Transaction& transaction) {
  remove(open_, name(transaction, "response"));
  responses_.push_back(transaction);
  lines_.push_back(name(transaction, "response") + range(transaction.response) +
                   (transaction.status.empty() ? "" : " " + transaction.status));
}

void TransactionLog::on_opaque(event::Protocol protocol, std::string_view why,
                               std::uint64_t client_offset, std::uint64_t server_offset) {
  lines_.push_back("opaque [" + std::to_string(client_offset) + "," +
                   std::to_string(server_offset) + ") after" + protocol_name(protocol) + ": " +
                   std::string(why));
}

std::vector<std::string> TransactionLog::lines() const {
  std::vector<std::string> all = lines_;
  all.insert(all.end(), open_.begin(), open_.end());
  return all;
}

Step client(std::string_view bytes) { return {Side::kClient, std::string(bytes)}; }
Step server(std::string_view bytes) { return {Side::kServer, std::string(bytes)}; }
Step client_closes() { return {Side::kClient, "", Step::Kind::kEof}; }
Step server_closes() { return {Side::kServer, "", Step::Kind::kEof}; }
Step server_resets() { return {Side::kServer, "", Step::Kind::kReset}; }

std::vector<std::string> run(const Script& script, const std::vector<std::size_t>& cuts) {
  TransactionLog log;
  const auto decoder = make_decoder(log);
  std::size_t position = 0;
  auto cut = cuts.begin();
  for (const Step& step : script) {
    if (step.kind != Step::Kind::kBytes) {
      decoder->end(step.side, step.kind == Step::Kind::kEof ? End::kEof : End::kReset);
      continue;
    }
    std::string_view rest = step.bytes;
    for (; cut != cuts.end() && *cut < position + rest.size(); ++cut) {
      if (*cut > position) {
        feed(*decoder, step, rest.substr(0, *cut - position));
        rest.remove_prefix(*cut - position);
        position = *cut;
      }
    }
    feed(*decoder, step, rest);
    position += rest.size();
  }
  return log.lines();
}

std::size_t size_of(const Script& script) {
  std::size_t size = 0;
  for (const Step& step : script) {
    size += step.bytes.size();
  }
  return size;
}

}  // namespace reprise::protocol
