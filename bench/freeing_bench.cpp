// How long it takes until the memory of replaced code is back, by the way in which the runtime finds out:
//
//   rewrite      the activations are sent on; the stacks are evidence that nothing leads into the old code
//   finish_old   they end in the old code; the stacks are looked at again and again
//   quiescence   the request waits until the function is on no stack
//   counting     versions count their activations; calls pay for it
//
//     freeing_bench ACTIVATIONS.bc [Google Benchmark's options]      the first three
//     freeing_bench --count ACTIVATIONS.bc [...]                     the last
//
// ACTIVATIONS.bc is programs/activations.c: four threads, each in the function nearly always. The argument is how long an
// activation lives, in microseconds. The time is that from the request until the code is freed; `stops` counts
// how often all threads were stopped to look.
#include "bench/bench_runtime.h"
#include "bench/medians.h"
#include "bench/require.h"

#include <benchmark/benchmark.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>
#include <unistd.h>

using namespace osr;

namespace {

std::atomic<long> lifetime = 100; ///< of an activation, in microseconds
std::atomic<bool> go_on = true, has_begun = false;

void sleep_for_us(long time) {
  timespec left{time / 1'000'000, time % 1'000'000 * 1000};
  while (nanosleep(&left, &left) != 0) {
  }
}

} // namespace

extern "C" __attribute__((visibility("default"))) int bench_hold() {
  has_begun = true;
  has_begun.notify_all();
  sleep_for_us(lifetime);
  return go_on;
}

namespace {

std::unique_ptr<Runtime> runtime;

/// One replacement by a new version of the same tier; returns the seconds until the old one is freed.
double replace_and_wait(Frames frames, std::uint64_t &stops) {
  const Statistics::Freed before = runtime->snapshot()->freed;
  const double start = now_seconds();
  llvm::cantFail(runtime->replace("hold", {.to = Tier::Optimized, .frames = frames, .recompile = true}));
  Statistics::Freed now = runtime->snapshot()->freed;
  for (; now.objects == before.objects; now = runtime->snapshot()->freed)
    sleep_for_us(50);
  const double time = now_seconds() - start;
  stops = now.scans - before.scans;
  return time;
}

void freeing(benchmark::State &state, Frames frames) {
  lifetime = state.range(0);
  std::vector<double> times, stops;
  for (auto _ : state) {
    sleep_for_us(lifetime * 3 / 2); // all threads are in an activation of the new kind, at different points of it
    std::uint64_t stop_count = 0;
    times.push_back(replace_and_wait(frames, stop_count));
    stops.push_back(double(stop_count));
    state.SetIterationTime(times.back());
  }
  state.counters["median_us"] = median(times) * 1e6;
  state.counters["stops"] = median(stops);
}

void register_benchmark(const char *name, Frames frames) {
  auto *registered =
      benchmark::RegisterBenchmark(name, freeing, frames)->UseManualTime()->Unit(benchmark::kMicrosecond);
  for (const long time : {100L, 10'000L, 300'000L})
    registered->Args({time})->Iterations(time > 100'000 ? 7 : 25);
}

} // namespace

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  const bool counts = argc == 3 && std::strcmp(argv[1], "--count") == 0;
  if (argc != 2 && !counts) {
    std::fprintf(stderr, "usage: freeing_bench [--count] ACTIVATIONS.bc [--benchmark_...]\n");
    return 2;
  }
  runtime =
      create_bench_runtime(argv[argc - 1], {.freeing = counts ? Freeing::ResidenceCounting : Freeing::StackEvidence});
  if (counts) {
    register_benchmark("counting", Frames::FinishOld);
  } else {
    register_benchmark("rewrite", Frames::Rewrite);
    register_benchmark("finish_old", Frames::FinishOld);
    register_benchmark("quiescence", Frames::WaitQuiescent);
  }
  std::thread driver([] {
    has_begun.wait(false);
    benchmark::RunSpecifiedBenchmarks();
    go_on = false;
  });
  const int status = llvm::cantFail(runtime->run_main({argv[argc - 1]}));
  driver.join();
  std::fflush(nullptr);
  _exit(status); // the program's static objects have nothing to do
}
