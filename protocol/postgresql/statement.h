// What a text of SQL says, as far as calls are named and matched by it. Pure functions of the text.
//
// A call's operation is the command and the relation it is about, "SELECT stock", as an HTTP call's
// is its method and path: with the command alone, a statement that a changed build added would be
// answered with rows of another table. Where a command has no one relation (WITH several, SELECT of
// a function, BEGIN) the operation says what there is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace reprise::protocol::postgresql {

// Of a text as sent: no more of it is kept.
inline constexpr std::size_t kMaxText = std::size_t{16} * 1024;

struct Statement {
  std::string method;     // "SELECT"; of several statements the first one's
  std::string operation;  // "SELECT stock"; of several all, "BEGIN; UPDATE stock; COMMIT"
  std::string target;     // the text on one line: see one_line()
  bool sets_up = false;   // sets its connection up rather than does work: SET, SHOW, SELECT 1
};

// `text` is the beginning of a text, at most kMaxText, and `rest` a hash of what follows it (0 when
// it is whole).
[[nodiscard]] Statement describe_statement(std::string_view text, std::uint64_t rest = 0);

// The same text with one blank where blanks and comments are, and none at either end or before a
// last semicolon. A comment means nothing to the server; tracing libraries put their ids there.
// A long text is cut, and ends in a hash of all of it: equal lines are equal statements.
[[nodiscard]] std::string one_line(std::string_view text, std::uint64_t rest = 0);

// FNV-1a, 64 bits, going on from `hash`.
inline constexpr std::uint64_t kHashSeed = 0xcbf29ce484222325;
[[nodiscard]] std::uint64_t hash_text(std::string_view text, std::uint64_t hash = kHashSeed);

}  // namespace reprise::protocol::postgresql
