// What went wrong while recording: for people, and complete in itself.
#pragma once

#include <string>

namespace reprise::recorder {

struct Error {
  std::string message;  // what happened, to what, and what to do
};

}  // namespace reprise::recorder
