// A server that forks its workers beforehand; they accept from one listener and each serves one
// connection at a time. Workers end with the program that forked them.
#pragma once

#include <functional>

namespace zoo {

// Serves for ever. `serve` serves one connection to its end and closes it.
[[noreturn]] void ServePreforked(int workers, const std::function<void(int connection)>& serve);

}  // namespace zoo
