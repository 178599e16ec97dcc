#include "tests/zoo/fetch.h"

#include <curl/curl.h>

#include <optional>
#include <string>

namespace zoo {
namespace {

std::size_t Append(char* bytes, std::size_t size, std::size_t count, void* body) {
  static_cast<std::string*>(body)->append(bytes, size * count);
  return size * count;
}

}  // namespace

Fetcher::Fetcher() : curl_(curl_easy_init()) {}

Fetcher::~Fetcher() { curl_easy_cleanup(curl_); }

std::optional<Fetched> Fetcher::Get(const std::string& url) {
  curl_easy_setopt(curl_, CURLOPT_HTTPGET, 1L);
  return Perform(url);
}

std::optional<Fetched> Fetcher::Post(const std::string& url, const std::string& body) {
  curl_easy_setopt(curl_, CURLOPT_POST, 1L);
  curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  curl_easy_setopt(curl_, CURLOPT_COPYPOSTFIELDS, body.c_str());
  return Perform(url);
}

std::optional<Fetched> Fetcher::Perform(const std::string& url) {
  Fetched fetched;
  curl_easy_setopt(curl_, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, &Append);
  curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &fetched.body);
  if (curl_easy_perform(curl_) != CURLE_OK) return std::nullopt;
  long status = 0;
  curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
  fetched.status = static_cast<int>(status);
  return fetched;
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
