// What Redis answers, whichever version of its protocol it was asked in.
#ifndef EXAMPLES_LEDGER_REPLY_H_
#define EXAMPLES_LEDGER_REPLY_H_

#include <cstdint>
#include <string>
#include <vector>

namespace ledger {

struct Reply {
  enum class Kind { kNil, kText, kInteger, kArray, kError };

  Kind kind = Kind::kNil;
  /// kText: any string, and numbers that are no integers as Redis spells them. kError: the message.
  std::string text;
  /// kInteger; 0 or 1 for a boolean.
  int64_t integer = 0;
  /// kArray: the elements of an array or a set; keys and values of a map in turn.
  std::vector<Reply> elements;
};

}  // namespace ledger

#endif  // EXAMPLES_LEDGER_REPLY_H_
