// What the names on a connection stand for: prepared statements and portals (PostgreSQL
// documentation, section 55.2.3 "Extended Query"). Names are chosen by the driver and differ from
// connection to connection; a call is named by the text.
//
// At most kMaxNames of each are known; later ones go without their text. Value type.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/postgresql/statement.h"

namespace reprise::protocol::postgresql {

class KnownStatements {
 public:
  static constexpr std::size_t kMaxNames = 4096;

  void prepare(std::string_view name, Statement statement);
  void bind(std::string_view portal, std::string_view statement);
  void close_statement(std::string_view name) { forget(statements_, name); }
  void close_portal(std::string_view name) { forget(portals_, name); }

  // One that is not known has no target.
  const Statement& statement(std::string_view name) const { return find(statements_, name); }
  const Statement& portal(std::string_view name) const { return find(portals_, name); }

 private:
  using Shared = std::shared_ptr<const Statement>;
  using Names = std::map<std::string, Shared, std::less<>>;

  static void remember(Names& names, std::string_view name, Shared statement);
  static void forget(Names& names, std::string_view name);
  static const Statement& find(const Names& names, std::string_view name);

  Names statements_, portals_;
};

}  // namespace reprise::protocol::postgresql
