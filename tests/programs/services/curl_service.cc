// usage: curl_service PORT CERTIFICATES UPSTREAM [CURL]
//
// An HTTP server with a thread for each connection, which asks UPSTREAM for the target of each
// request: with libcurl's easy interface, by a handle that each thread keeps; or by the program
// CURL, started for each request. Answers with what that answered, or with 502.
#include <curl/curl.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>

#include "tests/programs/services/listener.h"

namespace {

struct Upstream {
  const char* certificates;
  std::string url;
  char* program;
};

std::size_t append(char* bytes, std::size_t size, std::size_t count, void* body) {
  static_cast<std::string*>(body)->append(bytes, size * count);
  return size * count;
}

using Body = std::optional<std::string>;

Body ask_library(CURL* handle, const std::string& url) {
  std::string body;
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &body);
  const CURLcode code = curl_easy_perform(handle);
  if (code == CURLE_OK) return body;
  std::fprintf(stderr, "%s: %s\n", url.c_str(), curl_easy_strerror(code));
  return std::nullopt;
}

Body ask_program(const Upstream& upstream, std::string url) {
  int output[2];
  require(pipe2(output, O_CLOEXEC) == 0, "pipe2");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
  std::string certificates = upstream.certificates;
  char silent[] = "-sS", authority[] = "--cacert";
  char* const words[] = {upstream.program,    silent,     authority,
                         certificates.data(), url.data(), nullptr};
  pid_t child = 0;
  require(posix_spawn(&child, upstream.program, &actions, nullptr, words, environ) == 0,
          "posix_spawn");
  posix_spawn_file_actions_destroy(&actions);
  close(output[1]);
  std::string body;
  std::array<char, 4096> part;
  ssize_t length = 0;
  while ((length = read(output[0], part.data(), part.size())) > 0) {
    body.append(part.data(), static_cast<std::size_t>(length));
  }
  close(output[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return status == 0 ? Body(body) : std::nullopt;
}

void serve(int client, const Upstream& upstream) {
  CURL* handle = curl_easy_init();
  curl_easy_setopt(handle, CURLOPT_CAINFO, upstream.certificates);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, append);
  std::array<char, 4096> request;
  while (true) {
    const ssize_t length = read(client, request.data(), request.size());
    if (length <= 0) break;
    const std::string text(request.data(), static_cast<std::size_t>(length));
    const std::size_t begin = text.find(' ') + 1;
    const std::string url = upstream.url + text.substr(begin, text.find(' ', begin) - begin);
    const Body body =
        upstream.program != nullptr ? ask_program(upstream, url) : ask_library(handle, url);
    const std::string answer = std::string("HTTP/1.1 ") + (body ? "200 OK" : "502 Bad Gateway") +
                               "\r\nContent-Length: " + std::to_string(body.value_or("").size()) +
                               "\r\n\r\n" + body.value_or("");
    if (write(client, answer.data(), answer.size()) < 0) break;
  }
  curl_easy_cleanup(handle);
  close(client);
}

}  // namespace

int main(int count, char** words) {
  curl_global_init(CURL_GLOBAL_ALL);
  const Upstream upstream{words[2], words[3], count > 4 ? words[4] : nullptr};
  const int listener = listen_on(std::atoi(words[1]));
  while (true) {
    const int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client >= 0) std::thread(serve, client, std::cref(upstream)).detach();
  }
}
