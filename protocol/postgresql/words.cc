#include "protocol/postgresql/words.h"

#include <algorithm>

namespace reprise::protocol::postgresql {
namespace {

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Bytes of UTF-8 beyond ASCII are letters (section 4.1.1).
bool begins_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool continues_name(char c) { return begins_name(c) || (c >= '0' && c <= '9') || c == '$'; }

std::size_t end_of_line(std::string_view text, std::size_t at) {
  return std::min(text.find('\n', at), text.size());
}

// Block comments nest (section 4.1.5).
std::size_t end_of_comment(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  for (; at < text.size(); ++at) {
    const std::string_view pair = text.substr(at, 2);
    if (pair == "/*") {
      ++depth;
      ++at;
    } else if (pair == "*/") {
      ++at;
      if (--depth == 0) return at + 1;
    }
  }
  return text.size();
}

}  // namespace

std::string upper_case(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return upper;
}

bool Word::is(std::string_view keyword) const {
  return kind == Kind::kName && text.size() == keyword.size() && upper_case(text) == keyword;
}

bool Words::skip_blanks() {
  const std::size_t before = at_;
  while (at_ < text_.size()) {
    if (is_blank(text_[at_])) {
      ++at_;
    } else if (text_.substr(at_, 2) == "--") {
      at_ = end_of_line(text_, at_);
    } else if (text_.substr(at_, 2) == "/*") {
      at_ = end_of_comment(text_, at_);
    } else {
      break;
    }
  }
  return at_ != before;
}

// A doubled quote stands for one.
std::size_t Words::end_of_quoted(char quote, std::size_t begin, bool escapes) const {
  for (std::size_t at = begin + 1; at < text_.size(); ++at) {
    if (escapes && text_[at] == '\\') {
      ++at;
    } else if (text_[at] == quote) {
      if (text_.substr(at + 1, 1) != std::string_view(&quote, 1)) return at + 1;
      ++at;
    }
  }
  return text_.size();
}

// "$$…$$" and "$tag$…$tag$"; 0 when there is none here.
std::size_t Words::end_of_dollar_string() const {
  std::size_t tag = at_ + 1;
  while (tag < text_.size() && text_[tag] != '$' && continues_name(text_[tag])) ++tag;
  const bool parameter = at_ + 1 < text_.size() && text_[at_ + 1] >= '0' && text_[at_ + 1] <= '9';
  if (parameter || tag >= text_.size() || text_[tag] != '$') return 0;
  const std::string_view delimiter = text_.substr(at_, tag + 1 - at_);
  const std::size_t end = text_.find(delimiter, tag + 1);
  return end == std::string_view::npos ? text_.size() : end + delimiter.size();
}

std::size_t Words::end_of_word() const {
  std::size_t end = at_;
  while (end < text_.size() && continues_name(text_[end])) ++end;
  return end;
}

Word Words::next() {
  Word word;
  word.after_blank = skip_blanks();
  word.depth = depth_;
  if (at_ >= text_.size()) return word;
  const char c = text_[at_];
  std::size_t end = at_ + 1;
  word.kind = Word::Kind::kOther;
  if (c == '\'') {
    word.kind = Word::Kind::kString;
    end = end_of_quoted(c, at_, false);
  } else if (c == '"') {
    word.kind = Word::Kind::kName;
    end = end_of_quoted(c, at_, false);
  } else if ((c == 'E' || c == 'e') && text_.substr(at_ + 1, 1) == "'") {
    word.kind = Word::Kind::kString;
    end = end_of_quoted('\'', at_ + 1, true);
  } else if (begins_name(c)) {
    word.kind = Word::Kind::kName;
    end = end_of_word();
  } else if (const std::size_t string = c == '$' ? end_of_dollar_string() : 0; string != 0) {
    word.kind = Word::Kind::kString;
    end = string;
  } else if (c == '(') {
    ++depth_;
  } else if (c == ')') {
    depth_ -= depth_ > 0 ? 1 : 0;
    word.depth = depth_;
  }
  word.text = text_.substr(at_, end - at_);
  at_ = end;
  return word;
}

}  // namespace reprise::protocol::postgresql
