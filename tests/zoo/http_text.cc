#include "tests/zoo/http_text.h"

#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace zoo {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";

const std::map<int, std::string_view> kReasons = {
    {200, "OK"},
    {201, "Created"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {404, "Not Found"},
    {409, "Conflict"},
    {500, "Internal Server Error"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
};

std::string Lowered(std::string_view text) {
  std::string lowered(text);
  std::transform(lowered.begin(), lowered.end(), lowered.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return lowered;
}

void ParseHead(std::string_view head, Request& request) {
  std::size_t end = head.find(kLineEnd);
  const std::string_view line = head.substr(0, end);
  const std::size_t method_end = line.find(' ');
  const std::size_t target_end = line.rfind(' ');
  request.method = line.substr(0, method_end);
  if (method_end < target_end) {
    request.target = line.substr(method_end + 1, target_end - method_end - 1);
  }
  while (end != std::string_view::npos) {
    head.remove_prefix(end + kLineEnd.size());
    end = head.find(kLineEnd);
    const std::string_view field = head.substr(0, end);
    const std::size_t colon = field.find(':');
    if (colon == std::string_view::npos) continue;
    const std::size_t value = field.find_first_not_of(' ', colon + 1);
    request.headers[Lowered(field.substr(0, colon))] =
        value == std::string_view::npos ? "" : field.substr(value);
  }
}

}  // namespace

std::string_view Request::Path() const {
  return std::string_view(target).substr(0, target.find('?'));
}

std::string Request::Header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

std::string Request::Parameter(std::string_view name) const {
  std::string_view query(target);
  query.remove_prefix(std::min(query.find('?'), query.size()));
  while (!query.empty()) {
    query.remove_prefix(1);
    const std::string_view pair = query.substr(0, query.find('&'));
    if (pair.substr(0, pair.find('=')) == name && pair.size() > name.size()) {
      return std::string(pair.substr(name.size() + 1));
    }
    query.remove_prefix(pair.size());
  }
  return "";
}

std::optional<Request> TakeRequest(std::string& buffer) {
  const std::size_t head_end = buffer.find(kHeadEnd);
  if (head_end == std::string::npos) return std::nullopt;
  Request request;
  ParseHead(std::string_view(buffer).substr(0, head_end), request);
  const std::size_t length = std::strtoul(request.Header("content-length").c_str(), nullptr, 10);
  const std::size_t whole = head_end + kHeadEnd.size() + length;
  if (buffer.size() < whole) return std::nullopt;
  request.body = buffer.substr(whole - length, length);
  buffer.erase(0, whole);
  return request;
}

std::optional<Request> ReadRequest(int socket, std::string& buffer) {
  while (true) {
    if (auto request = TakeRequest(buffer)) return request;
    char bytes[4096];
    const ssize_t length = recv(socket, bytes, sizeof bytes, 0);
    if (length <= 0) return std::nullopt;
    buffer.append(bytes, static_cast<std::size_t>(length));
  }
}

std::string ToText(const Response& response) {
  const auto reason = kReasons.find(response.status);
  std::string text = "HTTP/1.1 " + std::to_string(response.status) + " ";
  text += reason == kReasons.end() ? "Other" : reason->second;
  text += "\r\nContent-Type: " + response.content_type;
  text += "\r\nContent-Length: " + std::to_string(response.body.size()) + "\r\n\r\n";
  return text + response.body;
}

bool SendAll(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string Field(const std::string& json, const std::string& name) {
  const std::size_t key = json.find('"' + name + "\":");
  if (key == std::string::npos) return "";
  const std::size_t value = json.find_first_not_of(' ', key + name.size() + 3);
  if (value == std::string::npos) return "";
  if (json[value] == '"') return json.substr(value + 1, json.find('"', value + 1) - value - 1);
  return json.substr(value, json.find_first_of(",}", value) - value);
}

}  // namespace zoo
