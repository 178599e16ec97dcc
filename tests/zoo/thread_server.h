// The two ways to serve with blocking threads. Both serve for ever, on a listener of zoo::Listen();
// handlers run on several threads at once.
#pragma once

#include <functional>

#include "tests/zoo/http_text.h"

namespace zoo {

using Handler = std::function<Response(const Request&)>;

// A thread for every connection, which it serves to its end.
[[noreturn]] void ServeThreadPerConnection(const Handler& handler);

// So many threads, which take connections from a queue and serve each to its end.
[[noreturn]] void ServeWithPool(int threads, const Handler& handler);

// Serves one connection to its end and closes it.
void ServeConnection(int connection, const Handler& handler);

}  // namespace zoo
