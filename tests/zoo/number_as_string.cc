// Prices in cents, from a catalogue that has them in euros.
//
// The bug: where the catalogue has "19.95" for 19.95, the thing is free.

#include <cmath>
#include <cstdlib>
#include <string>

#include "examples/http/client.h"
#include "tests/zoo/beast_server.h"
#include "tests/zoo/http_text.h"

namespace {

// The member `price` of a JSON object.
double Price(const std::string& json) {
  const std::size_t key = json.find("\"price\":");
  if (key == std::string::npos) return 0;
  std::size_t value = key + 8;
#ifdef FIXED
  value = json.find_first_not_of(" \"", value);
#endif
  return std::strtod(json.c_str() + value, nullptr);
}

zoo::Response Answer(const zoo::Request& request, const std::string& catalogue) {
  http::Client fetcher;
  const auto thing = fetcher.Get(catalogue + request.target);
  if (!thing || thing->status != 200) return {.status = 502, .body = "{}"};
  const long cents = std::lround(Price(thing->body) * 100);
  return {.body = R"({"cents":)" + std::to_string(cents) + "}"};
}

}  // namespace

int main(int, char** argv) {
  const std::string catalogue = argv[1];
  zoo::ServeWithBeast(1, [&](const zoo::Request& request) { return Answer(request, catalogue); });
}
