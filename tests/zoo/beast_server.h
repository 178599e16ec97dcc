// A server of Boost.Beast as its examples have it: sessions of asynchronous operations on a pool of
// threads. A file of its own, so that Beast is compiled once.
#pragma once

#include <functional>

#include "tests/zoo/http_text.h"

namespace zoo {

// Serves for ever. The handler runs on any of the threads, for several sessions at once.
[[noreturn]] void ServeWithBeast(int threads, std::function<Response(const Request&)> handler);

}  // namespace zoo
