// The payments API, over HTTP with libcurl.
#ifndef EXAMPLES_CHECKOUT_PAYMENTS_H_
#define EXAMPLES_CHECKOUT_PAYMENTS_H_

#include <curl/curl.h>

#include <memory>
#include <string>
#include <string_view>

#include "examples/checkout/cents.h"
#include "examples/checkout/charge.h"
#include "examples/checkout/failure.h"
#include "examples/checkout/identifier.h"

namespace checkout {

/// Owns one libcurl handle and with it one keep-alive connection. Blocks for at most five seconds a
/// call. Not thread-safe: every worker has its own. curl_global_init() has been called before.
class Payments {
 public:
  /// `url` such as "http://payments.local:8080", without a slash at its end.
  explicit Payments(std::string url);

  /// Opens the connection ahead of the first charge. kDependencyUnavailable.
  [[nodiscard]] Result<void> Connect();

  /// Takes `amount` from the customer's account for `order`. kPaymentDeclined,
  /// kDependencyUnavailable; after the latter it is unknown whether money moved.
  [[nodiscard]] Result<Charge> Capture(const OrderId& order, std::string_view customer,
                                       Cents amount, std::string_view currency);

 private:
  struct CleanUpHandle {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  };
  struct FreeHeaders {
    void operator()(curl_slist* headers) const { curl_slist_free_all(headers); }
  };
  struct Answer {
    long status = 0;
    std::string body;
  };

  /// Performs the request that is set up on the handle. kDependencyUnavailable.
  [[nodiscard]] Result<Answer> Perform(const std::string& path);

  std::string url_;
  std::unique_ptr<CURL, CleanUpHandle> handle_;
  std::unique_ptr<curl_slist, FreeHeaders> headers_;
};

}  // namespace checkout

#endif  // EXAMPLES_CHECKOUT_PAYMENTS_H_
