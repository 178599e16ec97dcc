#include "examples/http/client.h"

#include <curl/curl.h>

namespace http {
namespace {

std::size_t Append(char* bytes, std::size_t size, std::size_t count, void* body) {
  static_cast<std::string*>(body)->append(bytes, size * count);
  return size * count;
}

}  // namespace

Client::Client() : curl_(curl_easy_init()) {}

Client::~Client() { curl_easy_cleanup(curl_); }

std::optional<Reply> Client::Get(const std::string& url) {
  curl_easy_setopt(curl_, CURLOPT_HTTPGET, 1L);
  return Perform(url);
}

std::optional<Reply> Client::Post(const std::string& url, const std::string& body) {
  curl_easy_setopt(curl_, CURLOPT_POST, 1L);
  curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  curl_easy_setopt(curl_, CURLOPT_COPYPOSTFIELDS, body.c_str());
  return Perform(url);
}

std::optional<Reply> Client::Perform(const std::string& url) {
  Reply reply;
  curl_easy_setopt(curl_, CURLOPT_URL, url.c_str());
  // Threads share the signals; and the API is on the inside of whatever proxy the environment
  // names.
  curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl_, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, &Append);
  curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &reply.body);
  if (curl_easy_perform(curl_) != CURLE_OK) return std::nullopt;
  long status = 0;
  curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
  reply.status = static_cast<int>(status);
  return reply;
}

}  // namespace http
