// What went wrong while preparing or running a replay: for people, and complete in itself.
#pragma once

#include <string>

namespace reprise::replayer {

struct Error {
  enum class Kind : std::uint8_t { kUsage, kEnvironment, kDamagedArchive };
  Kind kind = Kind::kEnvironment;
  std::string message;  // what happened, to what, and what to do
};

}  // namespace reprise::replayer
