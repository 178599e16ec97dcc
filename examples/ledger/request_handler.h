// From an HTTP request to an HTTP answer, without the HTTP library.
#ifndef EXAMPLES_LEDGER_REQUEST_HANDLER_H_
#define EXAMPLES_LEDGER_REQUEST_HANDLER_H_

#include <string>

#include "examples/ledger/account_book.h"

namespace ledger {

struct HttpRequest {
  std::string method;
  /// Without a query.
  std::string path;
  /// The parameters "from" and "to" of the query; empty when they are missing.
  std::string from;
  std::string to;
  std::string body;
};

struct HttpAnswer {
  int status = 200;
  /// JSON, with a line feed at its end.
  std::string body;
};

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

  [[nodiscard]] HttpAnswer Handle(const HttpRequest& request);

 private:
  [[nodiscard]] HttpAnswer Owner(const HttpRequest& request, const std::string& account);
  [[nodiscard]] HttpAnswer Entries(const HttpRequest& request, const std::string& account);
  [[nodiscard]] HttpAnswer Totals(const HttpRequest& request, const std::string& account);

  AccountBook& accounts_;
};

}  // namespace ledger

#endif  // EXAMPLES_LEDGER_REQUEST_HANDLER_H_
