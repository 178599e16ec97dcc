#include "examples/ledger/request_handler.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <system_error>

namespace ledger {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kAccounts = "/accounts/";
constexpr int64_t kLargestAmount = 1'000'000'000'000;

http::Answer Answer(int status, const Json& json) {
  // Redis keeps bytes; what is no UTF-8 among them is replaced.
  return {status, json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"};
}

http::Answer Error(int status, std::string_view message) {
  return Answer(status, {{"error", message}});
}

http::Answer Error(const Failure& failure) {
  return Error(failure.kind == FailureKind::kUnknownAccount ? 404 : 503, failure.message);
}

std::optional<int64_t> ToNumber(std::string_view digits) {
  int64_t number = 0;
  const char* const end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, number);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return number;
}

}  // namespace

http::Answer RequestHandler::Handle(const http::Request& request) {
  std::string_view rest = request.path;
  if (!rest.starts_with(kAccounts)) return Error(404, "use /accounts/ID");
  rest.remove_prefix(kAccounts.size());
  const std::string account(rest.substr(0, rest.find('/')));
  rest.remove_prefix(account.size());
  if (account.empty()) return Error(404, "use /accounts/ID");
  if (rest.empty()) return Owner(request, account);
  if (rest == "/entries") return Entries(request, account);
  if (rest == "/totals") return Totals(request, account);
  return Error(404, "an account has /entries and /totals");
}

http::Answer RequestHandler::Owner(const http::Request& request, const std::string& account) {
  if (request.method == "PUT") {
    if (request.body.empty()) return Error(400, "the body must be the owner's name");
    if (Result<void> set = accounts_.SetOwner(account, request.body); !set) {
      return Error(set.error());
    }
    return Answer(200, {{"owner", request.body}});
  }
  if (request.method != "GET") return Error(405, "use GET or PUT");
  const Result<std::string> owner = accounts_.Owner(account);
  if (!owner) return Error(owner.error());
  return Answer(200, {{"owner", *owner}});
}

http::Answer RequestHandler::Entries(const http::Request& request, const std::string& account) {
  if (request.method == "POST") {
    const std::optional<int64_t> amount = ToNumber(request.body);
    if (!amount || std::abs(*amount) > kLargestAmount) {
      return Error(400, "the body must be a whole number up to 10^12");
    }
    const Result<int64_t> number = accounts_.Enter(account, *amount);
    if (!number) return Error(number.error());
    return Answer(201, {{"entry", *number}});
  }
  if (request.method != "GET") return Error(405, "use GET or POST");
  const std::string first = request.Parameter("from");
  const std::string last = request.Parameter("to");
  const std::optional<int64_t> from = first.empty() ? 0 : ToNumber(first);
  const std::optional<int64_t> to = last.empty() ? -1 : ToNumber(last);
  if (!from || !to) return Error(400, "'from' and 'to' must be whole numbers");
  const Result<std::vector<std::string>> entries = accounts_.Entries(account, *from, *to);
  if (!entries) return Error(entries.error());
  return Answer(200, *entries);
}

http::Answer RequestHandler::Totals(const http::Request& request, const std::string& account) {
  if (request.method != "GET") return Error(405, "use GET");
  const Result<std::map<std::string, std::string>> totals = accounts_.Totals(account);
  if (!totals) return Error(totals.error());
  return Answer(200, *totals);
}

}  // namespace ledger
