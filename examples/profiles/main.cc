// The profiles service's command line, and its HTTP.

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

#include "examples/http/server.h"
#include "examples/profiles/profiles.h"

namespace {

constexpr std::string_view kProfiles = "/profiles/";

http::Answer Handle(const http::Request& request, profiles::Profiles& profiles) {
  if (request.method != "GET" || !request.path.starts_with(kProfiles)) {
    return {404, "{\"error\":\"use GET /profiles/USER\"}\n"};
  }
  return profiles.Find(request.path.substr(kProfiles.size()));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Shows users' profiles: GET /profiles/USER.");
  http::ServerOptions server{.model = http::ThreadModel::kPool};
  std::string directory_url = "http://localhost:8080";
  app.add_option("--port", server.port, "Port of 127.0.0.1 to listen on; 0 takes a free one")
      ->capture_default_str();
  app.add_option("--directory-url", directory_url, "Directory of users, http://HOST:PORT")
      ->envname("DIRECTORY_URL")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  profiles::Profiles profiles(directory_url);
  return http::ServeUntilStopped(
      server, [&](const http::Request& request) { return Handle(request, profiles); });
}
