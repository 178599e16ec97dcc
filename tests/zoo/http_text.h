// HTTP/1.1 as far as the services of the zoo need it: requests with a Content-Length or no body.
// Functions without state, safe from any thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace zoo {

struct Request {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  // The target without its query.
  [[nodiscard]] std::string_view Path() const;
  // The value of a header or of a parameter in the query, which is not decoded; empty without one.
  [[nodiscard]] std::string Header(const std::string& name) const;
  [[nodiscard]] std::string Parameter(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
};

// Takes the first whole request off the front of `buffer`; nothing while it is not whole.
[[nodiscard]] std::optional<Request> TakeRequest(std::string& buffer);

// Reads from a blocking socket until `buffer` has a request; nothing when the client is gone.
[[nodiscard]] std::optional<Request> ReadRequest(int socket, std::string& buffer);

[[nodiscard]] std::string ToText(const Response& response);

// Sends all of it through a blocking socket; false when the other side is gone.
bool SendAll(int socket, std::string_view bytes);

// The text of a member of a flat JSON object, without its quotation marks: a service that asks for
// two fields brings no parser. Empty without that member.
[[nodiscard]] std::string Field(const std::string& json, const std::string& name);

}  // namespace zoo
