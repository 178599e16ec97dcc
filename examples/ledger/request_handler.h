// From an HTTP request to an HTTP answer, without the HTTP library.
#ifndef EXAMPLES_LEDGER_REQUEST_HANDLER_H_
#define EXAMPLES_LEDGER_REQUEST_HANDLER_H_

#include <string>

#include "examples/http/server.h"
#include "examples/ledger/account_book.h"

namespace ledger {

/// Serves
///   PUT  /accounts/ID           the owner's name as the body; 200
///   GET  /accounts/ID           200 and {"owner": NAME}
///   POST /accounts/ID/entries   the amount, a whole number, as the body; 201 and {"entry": NUMBER}
///   GET  /accounts/ID/entries   200 and ["NUMBER AMOUNT", …], from index ?from= (0) to &to= (-1)
///   GET  /accounts/ID/totals    200 and {"credit": SUM, "debit": SUM}, members that are not zero
/// Every failure is {"error": TEXT}. Thread-safe; borrows its accounts. Blocks while Redis answers.
class RequestHandler {
 public:
  explicit RequestHandler(AccountBook& accounts) : accounts_(accounts) {}

  [[nodiscard]] http::Answer Handle(const http::Request& request);

 private:
  [[nodiscard]] http::Answer Owner(const http::Request& request, const std::string& account);
  [[nodiscard]] http::Answer Entries(const http::Request& request, const std::string& account);
  [[nodiscard]] http::Answer Totals(const http::Request& request, const std::string& account);

  AccountBook& accounts_;
};

}  // namespace ledger

#endif  // EXAMPLES_LEDGER_REQUEST_HANDLER_H_
