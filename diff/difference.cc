#include "diff/difference.h"

namespace reprise::diff {

const char* kind_text(Kind kind) {
  switch (kind) {
    case Kind::kChanged:
      return "changed";
    case Kind::kMissing:
      return "missing";
    case Kind::kExtra:
      return "extra";
    case Kind::kType:
      return "type";
    case Kind::kReordered:
      return "reordered";
    case Kind::kIncomplete:
      return "incomplete";
  }
  return "unknown";
}

}  // namespace reprise::diff
