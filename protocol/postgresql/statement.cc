#include "protocol/postgresql/statement.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "protocol/postgresql/words.h"

namespace reprise::protocol::postgresql {
namespace {

// For people, and for operations and their index.
constexpr std::size_t kMaxLine = 1024;
constexpr std::size_t kMaxRelation = 128;
constexpr std::size_t kMaxNamed = 6;  // statements of one text

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

// Reads one statement after another off a text.
class Namer {
 public:
  explicit Namer(std::string_view text) : words_(text) { word_ = words_.next(); }

  // The next statement's method and operation; false at the end of the text.
  bool next(std::string& method, std::string& operation) {
    while (is(";")) advance();
    if (word_.kind == Word::Kind::kEnd) return false;
    while (is("(")) advance();
    take_command(method, operation);
    while (word_.kind != Word::Kind::kEnd && !(is(";") && word_.depth == 0)) advance();
    return true;
  }

 private:
  void advance() { word_ = words_.next(); }
  bool is(std::string_view text) const {
    return word_.kind == Word::Kind::kOther && word_.text == text;
  }
  bool ended() const { return word_.kind == Word::Kind::kEnd || (is(";") && word_.depth == 0); }

  void take_command(std::string& method, std::string& operation) {
    method = word_.kind == Word::Kind::kName ? upper_case(word_.text) : "";
    if (method == "WITH") take_with(method);
    if (method.empty()) method = "STATEMENT";
    method.resize(std::min(method.size(), kMaxRelation));
    const std::size_t depth = word_.depth;
    advance();
    operation = method;
    if (const std::string about = take_subject(method, depth); !about.empty()) {
      operation += " " + about;
    }
  }

  // The command behind the named queries.
  void take_with(std::string& method) {
    const std::size_t depth = word_.depth;
    while (!ended()) {
      const std::string word = word_.kind == Word::Kind::kName ? upper_case(word_.text) : "";
      if (word_.depth == depth &&
          is_one_of(word, {"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"})) {
        method = word;
        return;
      }
      advance();
    }
  }

  std::string take_subject(const std::string& method, std::size_t depth) {
    if (is_one_of(method, {"SELECT", "DELETE"})) return take_from(method == "SELECT", depth);
    if (is_one_of(method, {"INSERT", "MERGE"})) return take_after("INTO", depth);
    if (is_one_of(method, {"UPDATE", "COPY", "LISTEN", "UNLISTEN", "NOTIFY", "CALL", "EXECUTE",
                           "SHOW", "REFRESH", "LOCK", "TRUNCATE"})) {
      return take_relation();
    }
    if (method == "SET" || method == "RESET") {
      while (word_.is("LOCAL") || word_.is("SESSION")) advance();
      return take_relation();
    }
    if (is_one_of(method, {"CREATE", "DROP", "ALTER"}) && word_.kind == Word::Kind::kName) {
      return upper_case(word_.text).substr(0, kMaxRelation);
    }
    return "";
  }

  std::string take_from(bool may_have_none, std::size_t depth) {
    const std::string first = may_have_none && word_.kind == Word::Kind::kName ? take_name() : "";
    const bool function = !first.empty() && is("(");
    const std::string relation = first == "from" ? take_relation() : take_after("FROM", depth);
    return relation.empty() && function ? first : relation;
  }

  std::string take_after(std::string_view keyword, std::size_t depth) {
    while (!ended() && !(word_.depth == depth && word_.is(keyword))) advance();
    if (ended()) return "";
    advance();
    return take_relation();
  }

  std::string take_relation() {
    while (word_.is("ONLY") || word_.is("LATERAL") || word_.is("TABLE")) advance();
    return word_.kind == Word::Kind::kName ? take_name() : "";
  }

  // "schema.name": what is not quoted is the same in any case (section 4.1.1).
  std::string take_name() {
    std::string name;
    while (word_.kind == Word::Kind::kName) {
      std::string part(word_.text.substr(0, kMaxRelation));
      if (!part.starts_with('"')) {
        for (char& c : part) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      }
      name += part;
      advance();
      if (!is(".") || name.size() > kMaxRelation) break;
      name += '.';
      advance();
    }
    return name.substr(0, kMaxRelation);
  }

  Words words_;
  Word word_;
};

// What pools and drivers ask of a new connection, by its beginning.
bool is_set_up(const Statement& statement) {
  if (is_one_of(statement.method, {"SET", "SHOW", "RESET", "DISCARD"})) return true;
  static constexpr std::array<std::string_view, 2> kWhole = {"SELECT 1", "SELECT VERSION()"};
  static constexpr std::array<std::string_view, 4> kBegin = {
      "SELECT SET_CONFIG(", "SELECT PG_CATALOG.SET_CONFIG(", "SELECT CURRENT_SETTING(",
      "SELECT PG_CATALOG.VERSION()"};
  std::string text = upper_case(statement.target);
  if (text.ends_with(';')) text.pop_back();
  return std::ranges::find(kWhole, text) != kWhole.end() ||
         std::ranges::any_of(kBegin, [&](std::string_view b) { return text.starts_with(b); });
}

}  // namespace

std::uint64_t hash_text(std::string_view text, std::uint64_t hash) {
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return hash;
}

std::string one_line(std::string_view text, std::uint64_t rest) {
  std::string line;
  Words words(text);
  for (Word word = words.next(); word.kind != Word::Kind::kEnd; word = words.next()) {
    if (word.after_blank && !line.empty() && word.text != ";") line += ' ';
    line += word.text;
  }
  while (rest == 0 && line.ends_with(';')) line.pop_back();
  if (rest == 0 && line.size() <= kMaxLine) return line;
  char hash[24];
  std::snprintf(hash, sizeof(hash), "#%016llx",
                static_cast<unsigned long long>(hash_text(line) ^ rest));
  std::size_t cut = std::min(line.size(), kMaxLine);
  while (cut > 0 && cut < line.size() && (static_cast<unsigned char>(line[cut]) & 0xc0) == 0x80) {
    --cut;  // the middle of a character
  }
  return line.substr(0, cut) + "… " + hash;
}

Statement describe_statement(std::string_view text, std::uint64_t rest) {
  Statement statement;
  statement.target = one_line(text, rest);
  Namer namer(text);
  std::string method, operation;
  std::size_t count = 0;
  while (namer.next(method, operation)) {
    if (++count > kMaxNamed) {
      statement.operation += "; …";
      break;
    }
    if (count == 1) statement.method = method;
    statement.operation += (count == 1 ? "" : "; ") + operation;
  }
  if (count == 0) statement.method = statement.operation = "EMPTY";
  statement.sets_up = count == 1 && is_set_up(statement);
  return statement;
}

}  // namespace reprise::protocol::postgresql
