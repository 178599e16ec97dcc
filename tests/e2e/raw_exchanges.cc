// usage: raw_exchanges ARCHIVE                prints every exchange with its bytes as they went
// over the
//                                            connection: one JSON object a line, bytes in base64
//        raw_exchanges --environment ARCHIVE  prints the environment of the recorded processes
//
// For tests that compare with what a client sent and received, or look for what must not be there.
#include <cstdint>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>

#include "archive/reader.h"

namespace {

std::string base64(const reprise::event::Bytes& bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    const std::uint32_t group = static_cast<std::uint32_t>(bytes[i]) << 16 |
                                static_cast<std::uint32_t>(left > 1 ? bytes[i + 1] : 0) << 8 |
                                static_cast<std::uint32_t>(left > 2 ? bytes[i + 2] : 0);
    text += kDigits[group >> 18];
    text += kDigits[group >> 12 & 63];
    text += left > 1 ? kDigits[group >> 6 & 63] : '=';
    text += left > 2 ? kDigits[group & 63] : '=';
  }
  return text;
}

void print_environment(reprise::archive::Reader& reader) {
  reader.each_event([](const reprise::event::Event& event) {
    const auto* started = std::get_if<reprise::event::ProcessStarted>(&event.fact);
    if (started == nullptr) return true;
    for (const std::string& entry : started->environment) std::cout << entry << "\n";
    return true;
  });
}

void print_exchanges(reprise::archive::Reader& reader) {
  reader.each_exchange([&](const reprise::event::Exchange& exchange) {
    const auto request = reader.request(exchange);
    const auto response = reader.response(exchange);
    std::string why = exchange.incomplete_why;
    if (!request) why += " [request: " + request.error().message + "]";
    if (!response) why += " [response: " + response.error().message + "]";
    std::cout << nlohmann::json{{"exchange", exchange.id.value},
                                {"connection", exchange.connection.value},
                                {"complete", exchange.complete},
                                {"why", why},
                                {"request", request ? base64(*request) : ""},
                                {"response", response ? base64(*response) : ""}}
                     .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
              << "\n";
    return true;
  });
}

}  // namespace

int main(int argc, char** argv) {
  const bool environment = argc == 3 && std::string(argv[1]) == "--environment";
  if (argc != 2 && !environment) {
    std::cerr << "usage: raw_exchanges [--environment] ARCHIVE\n";
    return 2;
  }
  auto reader = reprise::archive::Reader::open(argv[argc - 1]);
  if (!reader) {
    std::cerr << reader.error().message << "\n";
    return 2;
  }
  if (environment) {
    print_environment(**reader);
  } else {
    print_exchanges(**reader);
  }
  return 0;
}
