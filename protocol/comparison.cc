// How two requests compare. docs/matching.md states what is canonical and what is on the relaxed
// list, with the reasons; change both together.
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/http1/syntax.h"
#include "protocol/message.h"
#include "protocol/resp/commands.h"
#include "protocol/value/value.h"

namespace reprise::protocol {
namespace {

using Degree = RequestComparison::Degree;

// Header names, lower case, that may differ, be missing or be added. A name that ends in '*' stands
// for all that begin so.
constexpr auto kRelaxedHeaders = std::to_array<std::string_view>({
    // Of the connection, not of the request (RFC 9110 section 7.6.1).
    "connection",
    "expect",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    // Follow from the body, which is compared itself.
    "content-length",
    // Names of this very request, made for tracing.
    "b3",
    "baggage",
    "elastic-apm-traceparent",
    "grpc-trace-bin",
    "newrelic",
    "ot-tracer-*",
    "request-id",
    "sentry-trace",
    "traceparent",
    "tracestate",
    "uber-trace-id",
    "uberctx-*",
    "x-amzn-trace-id",
    "x-b3-*",
    "x-cloud-trace-context",
    "x-correlation-id",
    "x-datadog-*",
    "x-ot-span-context",
    "x-request-id",
    "x-trace-id",
    // When it was sent.
    "date",
});

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

bool is_relaxed_header(std::string_view lower_name) {
  return std::any_of(kRelaxedHeaders.begin(), kRelaxedHeaders.end(), [&](std::string_view entry) {
    return entry.ends_with('*') ? lower_name.starts_with(entry.substr(0, entry.size() - 1))
                                : lower_name == entry;
  });
}

// "example:8080" -> "example"; "[::1]:80" -> "[::1]".
std::string_view without_port(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  const bool port = colon != std::string_view::npos &&
                    host.find_first_not_of("0123456789", colon + 1) == std::string_view::npos &&
                    host.find(']', colon) == std::string_view::npos;
  return port ? host.substr(0, colon) : host;
}

// "curl/7.88.1 (x86_64)" -> "curl (x86_64)".
std::string without_versions(std::string_view user_agent) {
  std::string products;
  std::size_t at = 0;
  while (at < user_agent.size()) {
    const std::size_t slash = std::min(user_agent.find('/', at), user_agent.size());
    products += user_agent.substr(at, slash - at);
    at = std::min(user_agent.find_first_of(" \t()", slash), user_agent.size());
  }
  return products;
}

// Value of the boundary parameter of a multipart content type, "" when there is none.
std::string multipart_boundary(const Message& message) {
  const std::string* type = message.header("Content-Type");
  if (type == nullptr || !message.content_type.starts_with("multipart/")) {
    return "";
  }
  const std::size_t at = lower_case(*type).find("boundary=");
  if (at == std::string::npos) {
    return "";
  }
  std::string_view value = std::string_view(*type).substr(at + 9);
  if (value.starts_with('"')) {
    return std::string(value.substr(1, value.find('"', 1) - 1));
  }
  return std::string(http1::trim(value.substr(0, value.find(';'))));
}

std::string without(std::string_view text, const std::string& part) {
  std::string rest;
  std::size_t at = 0;
  while (!part.empty() && at < text.size()) {
    const std::size_t next = std::min(text.find(part, at), text.size());
    rest += text.substr(at, next - at);
    at = std::min(next + part.size(), text.size());
  }
  return part.empty() ? std::string(text) : rest;
}

std::string_view text_of(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool same_multipart(const Message& a, const Message& b) {
  const std::string boundary_a = multipart_boundary(a), boundary_b = multipart_boundary(b);
  return !boundary_a.empty() && !boundary_b.empty() &&
         without(text_of(a.decoded_body), "--" + boundary_a) ==
             without(text_of(b.decoded_body), "--" + boundary_b);
}

bool is_json(const Message& message) {
  return message.content_type == "application/json" || message.content_type.ends_with("+json");
}

bool same_json(const Message& a, const Message& b) {
  if (!is_json(a) || !is_json(b)) {
    return false;
  }
  const auto value_a = parse_json(text_of(a.decoded_body));
  const auto value_b = parse_json(text_of(b.decoded_body));
  return value_a && value_b && same_value(*value_a, *value_b);
}

// Collects differences: the first that counts wins over all that are only relaxed.
class Verdict {
 public:
  void differ(std::string what) { note(Degree::kDifferent, std::move(what)); }
  void relax(std::string what) { note(Degree::kRelaxed, std::move(what)); }
  RequestComparison take() { return std::move(comparison_); }

 private:
  void note(Degree degree, std::string what) {
    if (degree > comparison_.degree) {
      comparison_ = {degree, std::move(what)};
    }
  }
  RequestComparison comparison_;
};

// Values by lower-case name, in the order they were sent.
std::map<std::string, std::vector<std::string_view>> group(const Fields& fields) {
  std::map<std::string, std::vector<std::string_view>> groups;
  for (const auto& [name, value] : fields) {
    groups[lower_case(name)].push_back(value);
  }
  return groups;
}

bool is_relaxed_value(std::string_view name, const std::vector<std::string_view>& a,
                      const std::vector<std::string_view>& b, const Message& recorded,
                      const Message& actual) {
  if (a.size() != 1 || b.size() != 1) {
    return false;
  }
  if (name == "host") {
    return lower_case(without_port(a[0])) == lower_case(without_port(b[0]));
  }
  if (name == "user-agent") {
    return without_versions(a[0]) == without_versions(b[0]);
  }
  if (name == "content-type") {
    return without(a[0], multipart_boundary(recorded)) == without(b[0], multipart_boundary(actual));
  }
  return false;
}

// `what` is "header " or "trailer "; names are told as they were sent.
void compare_fields(const Fields& a, const Fields& b, std::string_view what,
                    const Message& recorded, const Message& actual, Verdict& verdict) {
  const auto groups_a = group(a), groups_b = group(b);
  static const std::vector<std::string_view> kAbsent;
  const auto values_in = [](const auto& groups, const std::string& name) -> const auto& {
    const auto found = groups.find(name);
    return found == groups.end() ? kAbsent : found->second;
  };
  const auto compare = [&](const std::string& name) {
    const std::string lower = lower_case(name);
    const auto &values_a = values_in(groups_a, lower), &values_b = values_in(groups_b, lower);
    if (values_a == values_b) {
      return;
    }
    if (is_relaxed_header(lower) || is_relaxed_value(lower, values_a, values_b, recorded, actual)) {
      verdict.relax(std::string(what) + name);
    } else {
      verdict.differ(std::string(what) + name);
    }
  };
  for (const Fields* fields : {&a, &b}) {
    for (const auto& field : *fields) {
      compare(field.first);
    }
  }
}

void compare_bodies(const Message& a, const Message& b, Verdict& verdict) {
  if (a.body == b.body) {
    return;
  }
  if (a.decoded_body == b.decoded_body) {
    verdict.relax("body coding");
  } else if (same_multipart(a, b)) {
    verdict.relax("multipart boundary");
  } else if (same_json(a, b)) {
    verdict.relax("body layout");
  } else {
    verdict.differ("body");
  }
}

void compare_http(const Message& a, const Message& b, Verdict& verdict) {
  if (a.method != b.method) {
    verdict.differ("method");
  }
  if (a.target != b.target) {
    verdict.differ("target");
  }
  if (a.version != b.version) {
    verdict.relax("version");
  }
  compare_fields(a.headers, b.headers, "header ", a, b, verdict);
  compare_bodies(a, b, verdict);
  compare_fields(a.trailers, b.trailers, "trailer ", a, b, verdict);
}

// Names the client library and its version; nothing depends on it.
bool is_client_info(const std::vector<std::string>& arguments) {
  return arguments.size() > 1 && resp::upper_case(arguments[0]) == "CLIENT" &&
         resp::upper_case(arguments[1]) == "SETINFO";
}

void compare_commands(const Message& a, const Message& b, Verdict& verdict) {
  if (a.method != b.method) {
    verdict.differ("command");
    return;
  }
  const bool relaxed = is_client_info(a.arguments) && is_client_info(b.arguments);
  const std::size_t shared = std::min(a.arguments.size(), b.arguments.size());
  for (std::size_t i = 1; i < shared; ++i) {
    if (a.arguments[i] != b.arguments[i]) {
      const std::string what = "argument " + std::to_string(i);
      relaxed&& i > 1 ? verdict.relax(what) : verdict.differ(what);
    }
  }
  if (a.arguments.size() != b.arguments.size()) {
    verdict.differ("argument " + std::to_string(shared));
  }
}

// A COPY's data may be cut into other messages; whose they are says the statement.
bool is_copy_data(const Message& message) { return message.method == "COPY DATA"; }

void compare_postgres(const Message& a, const Message& b, Verdict& verdict) {
  if (a.method != b.method) {
    verdict.differ("command");
    return;
  }
  // Their answers say nothing of the statement; its execution is compared itself.
  if (a.method == "PARSE" || a.method == "CLOSE") {
    if (a.target != b.target) verdict.relax("statement");
    return;
  }
  if (a.method == "AUTH" || a.method == "CANCEL") {
    if (a.body != b.body) verdict.relax(a.method == "AUTH" ? "credentials" : "key");
    return;
  }
  const bool starts_up = a.method == "STARTUP";
  if (a.target != b.target && !starts_up) verdict.differ("statement");
  const auto parameters = [](const Message& message) {
    return std::map<std::string, std::string>(message.headers.begin(), message.headers.end());
  };
  const auto of_a = parameters(a), of_b = parameters(b);
  const auto compare = [&](const auto& all, const auto& others) {
    for (const auto& [name, value] : all) {
      const auto other = others.find(name);
      if (other != others.end() && other->second == value) continue;
      const bool relaxed = starts_up && name == "application_name";
      relaxed ? verdict.relax("parameter " + name) : verdict.differ("parameter " + name);
    }
  };
  compare(of_a, of_b);
  compare(of_b, of_a);
  if (a.decoded_body != b.decoded_body) {
    is_copy_data(a) ? verdict.differ("data") : verdict.relax("layout of the statement");
  }
}

void compare_bytes(const Message& a, const Message& b, Verdict& verdict) {
  const auto [at, other] =
      std::mismatch(a.body.begin(), a.body.end(), b.body.begin(), b.body.end());
  if (at != a.body.end() || other != b.body.end()) {
    verdict.differ("byte " + std::to_string(at - a.body.begin()));
  }
}

void compare_annotated(const Message& a, const Message& b, Verdict& verdict) {
  if (a.method != b.method || a.target != b.target) verdict.differ("name");
  if (a.body != b.body) verdict.differ("arguments");
}

}  // namespace

RequestComparison compare_requests(const Message& recorded, const Message& actual) {
  Verdict verdict;
  if (recorded.protocol != actual.protocol) {
    verdict.differ("protocol");
  } else if (recorded.protocol == event::Protocol::kHttp1) {
    compare_http(recorded, actual, verdict);
  } else if (recorded.protocol == event::Protocol::kResp) {
    compare_commands(recorded, actual, verdict);
  } else if (recorded.protocol == event::Protocol::kPostgres) {
    compare_postgres(recorded, actual, verdict);
  } else if (recorded.protocol == event::Protocol::kAnnotated) {
    compare_annotated(recorded, actual, verdict);
  } else {
    compare_bytes(recorded, actual, verdict);
  }
  return verdict.take();
}

}  // namespace reprise::protocol
