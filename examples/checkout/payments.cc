#include "examples/checkout/payments.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "examples/checkout/amount.h"

namespace checkout {
namespace {

constexpr long kConnectPatienceMs = 2000;
constexpr long kPatienceMs = 5000;
constexpr size_t kLongestAnswer = 64 * 1024;

Failure Unavailable(std::string_view what) {
  return {FailureKind::kDependencyUnavailable, fmt::format("payments: {}", what)};
}

// A curl_write_callback; anything but `count` makes libcurl give the transfer up.
size_t AppendToBody(char* bytes, size_t /*always 1*/, size_t count, void* body) {
  auto& text = *static_cast<std::string*>(body);
  if (text.size() + count > kLongestAnswer) return 0;
  text.append(bytes, count);
  return count;
}

}  // namespace

Payments::Payments(std::string url)
    : url_(std::move(url)),
      handle_(curl_easy_init()),
      headers_(curl_slist_append(nullptr, "Content-Type: application/json")) {
  CURL* const handle = handle_.get();
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers_.get());
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, AppendToBody);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, kConnectPatienceMs);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, kPatienceMs);
  // Signals belong to the service's main loop.
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  // The API is on the inside of whatever proxy the environment names.
  curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
}

Result<void> Payments::Connect() {
  curl_easy_setopt(handle_.get(), CURLOPT_HTTPGET, 1L);
  const Result<Answer> answer = Perform("/health");
  if (!answer) return tl::unexpected(answer.error());
  return {};
}

Result<Charge> Payments::Capture(const OrderId& order, std::string_view customer, Cents amount,
                                 std::string_view currency) {
  const nlohmann::ordered_json charge = {
      {"order", order.text}, {"customer", customer}, {"amount", FormatAmount(amount, currency)}};
  const std::string body = charge.dump();
  curl_easy_setopt(handle_.get(), CURLOPT_POST, 1L);
  curl_easy_setopt(handle_.get(), CURLOPT_POSTFIELDS, body.c_str());
  curl_easy_setopt(handle_.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  Result<Answer> answer = Perform("/charges");
  if (!answer) return tl::unexpected(answer.error());
  if (answer->status == 402) {
    return tl::unexpected(Failure{FailureKind::kPaymentDeclined, "the payment was declined"});
  }
  if (answer->status != 201) {
    return tl::unexpected(Unavailable(fmt::format("answered with status {}", answer->status)));
  }
  return ParseCharge(std::move(answer->body));
}

Result<Payments::Answer> Payments::Perform(const std::string& path) {
  CURL* const handle = handle_.get();
  Answer answer;
  curl_easy_setopt(handle, CURLOPT_URL, (url_ + path).c_str());
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &answer.body);
  const CURLcode code = curl_easy_perform(handle);
  if (code != CURLE_OK) return tl::unexpected(Unavailable(curl_easy_strerror(code)));
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &answer.status);
  return answer;
}

}  // namespace checkout
