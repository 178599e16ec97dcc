// usage: raw_exchanges ARCHIVE                prints each exchange: a line of JSON, then the bytes
//                                            of its request and of its response as they went over
//                                            the connection
//        raw_exchanges --environment ARCHIVE  prints the environment of the recorded processes
//
// For tests that compare with what a client sent and received, or look for what must not be there.
#include <cstdint>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>

#include "archive/reader.h"
#include "recorder/derived_archive.h"

namespace {

void print_bytes(const reprise::event::Bytes& bytes) {
  std::cout.write(reinterpret_cast<const char*>(bytes.data()),
                  static_cast<std::streamsize>(bytes.size()));
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
                                {"request_bytes", request ? request->size() : 0},
                                {"response_bytes", response ? response->size() : 0}}
                     .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
              << "\n";
    if (request) print_bytes(*request);
    if (response) print_bytes(*response);
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
  auto reader = reprise::recorder::open_archive(argv[argc - 1]);
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
