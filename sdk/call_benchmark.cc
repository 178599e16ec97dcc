// What the SDK costs a program without the agent: a call, and the same call annotated. The difference
// is a load and a branch that always goes the same way.
//
//   bazel run -c opt //sdk:call_benchmark
//   valgrind --tool=callgrind …    # counts instructions
#include <benchmark/benchmark.h>

#include <optional>
#include <string>

#include "sdk/reprise.h"

namespace {

// What cannot be inlined costs what a call costs.
[[gnu::noinline]] int look_up(const std::string& key, int at) {
  benchmark::DoNotOptimize(at);
  return static_cast<int>(key.size()) + at;
}

[[gnu::noinline]] int plain(const std::string& key, int at) { return look_up(key, at); }
[[gnu::noinline]] int annotated(const std::string& key, int at) {
  return reprise::external_call("look_up", key, at, look_up);
}

template <int (*kCall)(const std::string&, int)>
void run(benchmark::State& state) {
  const std::string key = "key";
  int at = 0;
  for (auto _ : state) benchmark::DoNotOptimize(kCall(key, ++at));
}
BENCHMARK(run<plain>)->Name("call, plain");
BENCHMARK(run<annotated>)->Name("call, annotated");

[[gnu::noinline]] int work(int value) {
  benchmark::DoNotOptimize(value);
  return value + 1;
}
[[gnu::noinline]] int in_scope(int value, reprise::Context context) {
  const reprise::Scope scope(context);
  return work(value);
}
[[gnu::noinline]] int in_none(int value, reprise::Context) { return work(value); }

template <int (*kCall)(int, reprise::Context)>
void run_scope(benchmark::State& state) {
  int value = 0;
  for (auto _ : state) value = kCall(value, reprise::Context::current());
}
BENCHMARK(run_scope<in_none>)->Name("work, plain");
BENCHMARK(run_scope<in_scope>)->Name("work, in a context");

void next_plain(benchmark::State& state) {
  int value = 0;
  for (auto _ : state) benchmark::DoNotOptimize(std::optional<int>(work(value++)));
}
BENCHMARK(next_plain)->Name("input, plain");

void next_of_source(benchmark::State& state) {
  reprise::Source<int> source("benchmark");
  int value = 0;
  for (auto _ : state) {
    auto input = source.next([&] { return std::optional<int>(work(value++)); });
    benchmark::DoNotOptimize(*input);
  }
}
BENCHMARK(next_of_source)->Name("input, of a source");

}  // namespace
