#include "examples/ledger/account_book.h"

#include <cstdlib>
#include <utility>

namespace ledger {
namespace {

std::string Key(const std::string& account, const char* what) {
  return "account:" + account + ":" + what;
}

}  // namespace

Result<std::vector<Reply>> AccountBook::Run(const std::vector<Command>& commands) {
  auto replies = redis_.Run(commands);
  if (!replies) return tl::unexpected(Failure{FailureKind::kRedis, replies.error()});
  for (const Reply& reply : *replies) {
    if (reply.kind == Reply::Kind::kError) {
      return tl::unexpected(Failure{FailureKind::kRedis, reply.text});
    }
  }
  return *std::move(replies);
}

Result<void> AccountBook::SetOwner(const std::string& account, const std::string& owner) {
  auto replies = Run({{"SET", Key(account, "owner"), owner}});
  if (!replies) return tl::unexpected(replies.error());
  return {};
}

Result<std::string> AccountBook::Owner(const std::string& account) {
  auto replies = Run({{"GET", Key(account, "owner")}});
  if (!replies) return tl::unexpected(replies.error());
  if (replies->front().kind == Reply::Kind::kNil) {
    return tl::unexpected(
        Failure{FailureKind::kUnknownAccount, "there is no account '" + account + "'"});
  }
  return replies->front().text;
}

Result<int64_t> AccountBook::Enter(const std::string& account, int64_t amount) {
  if (auto owner = Owner(account); !owner) return tl::unexpected(owner.error());
  auto counted = Run({{"INCR", "ledger:entries"}});
  if (!counted) return tl::unexpected(counted.error());
  const int64_t number = counted->front().integer;
  const std::string magnitude = std::to_string(std::abs(amount));
  auto entered = Run(
      {{"MULTI"},
       {"RPUSH", Key(account, "entries"), std::to_string(number) + " " + std::to_string(amount)},
       {"HINCRBY", Key(account, "totals"), amount < 0 ? "debit" : "credit", magnitude},
       {"ZINCRBY", "ledger:turnover", magnitude, account},
       {"EXEC"}});
  if (!entered) return tl::unexpected(entered.error());
  for (const Reply& reply : entered->back().elements) {
    if (reply.kind == Reply::Kind::kError) {
      return tl::unexpected(Failure{FailureKind::kRedis, reply.text});
    }
  }
  return number;
}

Result<std::vector<std::string>> AccountBook::Entries(const std::string& account, int64_t first,
                                                      int64_t last) {
  auto replies =
      Run({{"LRANGE", Key(account, "entries"), std::to_string(first), std::to_string(last)}});
  if (!replies) return tl::unexpected(replies.error());
  std::vector<std::string> entries;
  for (Reply& element : replies->front().elements) entries.push_back(std::move(element.text));
  return entries;
}

Result<std::map<std::string, std::string>> AccountBook::Totals(const std::string& account) {
  auto replies = Run({{"HGETALL", Key(account, "totals")}});
  if (!replies) return tl::unexpected(replies.error());
  std::vector<Reply>& fields = replies->front().elements;
  std::map<std::string, std::string> totals;
  for (size_t i = 0; i + 1 < fields.size(); i += 2) {
    totals.emplace(std::move(fields[i].text), std::move(fields[i + 1].text));
  }
  return totals;
}

}  // namespace ledger
