#include "protocol/postgresql/known_statements.h"

#include <utility>

namespace reprise::protocol::postgresql {

void KnownStatements::prepare(std::string_view name, Statement statement) {
  remember(statements_, name, std::make_shared<const Statement>(std::move(statement)));
}

void KnownStatements::bind(std::string_view portal, std::string_view statement) {
  const auto known = statements_.find(statement);
  if (known == statements_.end()) {
    forget(portals_, portal);
  } else {
    remember(portals_, portal, known->second);
  }
}

void KnownStatements::remember(Names& names, std::string_view name, Shared statement) {
  const auto known = names.find(name);
  if (known != names.end()) {
    known->second = std::move(statement);
  } else if (names.size() < kMaxNames) {
    names.emplace(name, std::move(statement));
  }
}

void KnownStatements::forget(Names& names, std::string_view name) {
  const auto known = names.find(name);
  if (known != names.end()) names.erase(known);
}

const Statement& KnownStatements::find(const Names& names, std::string_view name) {
  static const Statement kUnknown{.method = "EXECUTE", .operation = "EXECUTE", .target = ""};
  const auto known = names.find(name);
  return known == names.end() ? kUnknown : *known->second;
}

}  // namespace reprise::protocol::postgresql
