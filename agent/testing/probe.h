// What the probes share: tiny programs of named cases, each of which does one thing and returns 0
// when the thing behaved, seen from inside, as it does without the agent.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace reprise::agent::testing {

struct ProbeCase {
  const char* name;
  int (*run)(int argc, char** argv);  // arguments after the name
};

// Runs the case named by the first argument.
template <std::size_t N>
int run_probe(const ProbeCase (&cases)[N], int argc, char** argv) {
  for (const ProbeCase& one : cases) {
    if (argc > 1 && strcmp(one.name, argv[1]) == 0) return one.run(argc - 2, argv + 2);
  }
  return 99;
}

}  // namespace reprise::agent::testing

// Ends the probe with the line as its message when a condition does not hold.
#define PROBE_EXPECT(condition)                                                              \
  do {                                                                                       \
    if (!(condition)) {                                                                      \
      std::fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno); \
      std::exit(1);                                                                          \
    }                                                                                        \
  } while (false)
