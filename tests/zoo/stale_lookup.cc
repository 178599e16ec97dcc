// Invoices, from a service that is known by its name.
//
// The bug: where that name leads is asked once. When the service has moved, somebody else's lives
// at its old address, and has invoices too.

#include <curl/curl.h>

#include <mutex>
#include <string>

#include "examples/http/client.h"
#include "tests/zoo/http_text.h"
#include "tests/zoo/thread_server.h"

namespace {

std::size_t Append(char* bytes, std::size_t size, std::size_t count, void* body) {
  static_cast<std::string*>(body)->append(bytes, size * count);
  return size * count;
}

class Invoices {
 public:
  explicit Invoices(std::string upstream) : upstream_(std::move(upstream)) { Reconnect(); }

  zoo::Response Answer(const zoo::Request& request) {
    const std::lock_guard lock(mutex_);
    std::string invoice;
    curl_easy_setopt(curl_, CURLOPT_URL, (upstream_ + request.target).c_str());
    curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, &Append);
    curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &invoice);
    if (curl_easy_perform(curl_) != CURLE_OK) return {.status = 502, .body = "{}"};
#ifdef FIXED
    if (zoo::Field(invoice, "tenant") != "ours") {
      Reconnect();
      return {.status = 503, .body = R"({"error":"moved"})"};
    }
#endif
    return {.body = invoice};
  }

 private:
  void Reconnect() {
    if (curl_ != nullptr) curl_easy_cleanup(curl_);
    curl_ = curl_easy_init();
    // Lookups are slow.
    curl_easy_setopt(curl_, CURLOPT_DNS_CACHE_TIMEOUT, -1L);
    curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
  }

  const std::string upstream_;
  std::mutex mutex_;
  CURL* curl_ = nullptr;
};

}  // namespace

int main(int, char** argv) {
  Invoices invoices(argv[1]);
  zoo::ServeThreadPerConnection(
      [&](const zoo::Request& request) { return invoices.Answer(request); });
}
