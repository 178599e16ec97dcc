// The words of an SQL text, one after another, as far as is needed to name a statement: comments
// are passed over, a quoted string is one word, nesting in parentheses is counted.
//
// Views into the text, which outlives them. Any text is accepted; one that is cut in the middle of
// a string or a comment ends there. Source: PostgreSQL documentation, section 4.1 "Lexical
// Structure".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace reprise::protocol::postgresql {

struct Word {
  enum class Kind : unsigned char { kEnd, kName, kString, kOther };
  Kind kind = Kind::kEnd;
  std::string_view text;     // as written, quotes included
  std::size_t depth = 0;     // parentheses around it
  bool after_blank = false;  // a blank or a comment is before it

  // Whether it is that keyword; `keyword` in upper case.
  bool is(std::string_view keyword) const;
};

class Words {
 public:
  explicit Words(std::string_view text) : text_(text) {}

  Word next();

 private:
  bool skip_blanks();
  std::size_t end_of_word() const;
  std::size_t end_of_quoted(char quote, std::size_t begin, bool escapes) const;
  std::size_t end_of_dollar_string() const;

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

[[nodiscard]] std::string upper_case(std::string_view text);

}  // namespace reprise::protocol::postgresql
