// How long a request stops the program: threads stand in deep recursions and block; then all frames of the recursive
// function are replaced.
//
//     pause_bench PARKED.bc [Google Benchmark's options]
//
// PARKED.bc is programs/parked.c. Arguments of a benchmark: threads, frames per thread. Rounds go to baseline code and to
// optimised code in turn; old code is kept, so stubs exist already. Counters are medians in microseconds: `pause` is the longest time that
// threads were stopped (ReplaceOutcome::pause_seconds), `request` the time from the call to its return; and `stops`, how
// often they were stopped. The frames then return through their stubs, which is not counted.
#include "bench/bench_runtime.h"
#include "bench/medians.h"
#include "bench/require.h"

#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdio>
#include <string>
#include <thread>
#include <unistd.h>

using namespace osr;

namespace {

/// What host and program tell each other. The driver begins a round, its threads park, the driver lets them go.
struct Stage {
  int threads = 0; ///< 0: the program ends
  long frames = 0;
  std::atomic<unsigned> begun = 0, released = 0, ended = 0; ///< rounds
  std::atomic<int> parked = 0;

  static void wait_for(std::atomic<unsigned> &value, unsigned round) {
    for (unsigned now = value; now != round; now = value)
      value.wait(now);
  }
  void begin(int thread_count, long frame_count) {
    threads = thread_count;
    frames = frame_count;
    parked = 0;
    ++begun;
    begun.notify_all();
    for (int now = parked; now != thread_count; now = parked)
      parked.wait(now);
  }
  void end() {
    released = begun.load();
    released.notify_all();
    wait_for(ended, begun);
  }
} stage;

} // namespace

extern "C" {
__attribute__((visibility("default"))) int bench_next_round(int *threads, long *frames) {
  stage.ended = stage.released.load();
  stage.ended.notify_all();
  stage.begun.wait(stage.ended);
  *threads = stage.threads;
  *frames = stage.frames;
  return stage.threads != 0;
}
__attribute__((visibility("default"))) void bench_park() {
  const unsigned round = stage.begun;
  ++stage.parked;
  stage.parked.notify_all();
  Stage::wait_for(stage.released, round);
}
}

namespace {

std::unique_ptr<Runtime> runtime;
Tier tier = Tier::Optimized; ///< of the calls to come

/// One round; the times go to the lists.
void one_round(int threads, long frames, std::vector<double> &pauses, std::vector<double> &requests, unsigned &stops) {
  stage.begin(threads, frames);
  tier = tier == Tier::Optimized ? Tier::Baseline : Tier::Optimized;
  const double start = now_seconds();
  const ReplaceOutcome outcome = llvm::cantFail(runtime->replace("dive", {.to = tier, .old_code = OldCode::Keep}));
  requests.push_back((now_seconds() - start) * 1e6);
  pauses.push_back(outcome.pause_seconds * 1e6);
  stops = outcome.stops;
  require(outcome.rewritten == std::uint64_t(threads) * std::uint64_t(frames), "not all frames were rewritten");
  stage.end();
}

void pause(benchmark::State &state) {
  std::vector<double> pauses, requests;
  unsigned stops = 0;
  const auto round = [&] { one_round(int(state.range(0)), long(state.range(1)), pauses, requests, stops); };
  round(); // makes the stubs of both directions
  round();
  pauses.clear();
  requests.clear();
  for (auto _ : state) {
    round();
    state.SetIterationTime(requests.back() * 1e-6);
  }
  state.counters["pause"] = median(pauses);
  state.counters["request"] = median(requests);
  state.counters["stops"] = stops;
}

} // namespace

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  if (argc != 2) {
    std::fprintf(stderr, "usage: pause_bench PARKED.bc [--benchmark_...]\n");
    return 2;
  }
  runtime = create_bench_runtime(argv[1], {.tier = tier});
  for (const int threads : {1, 8, 64})
    for (const int frames : {10, 1000, 100000})
      benchmark::RegisterBenchmark("pause", pause)
          ->UseManualTime()
          ->Unit(benchmark::kMicrosecond)
          ->Args({threads, frames})
          ->Iterations(threads * frames <= 1000000 ? 10 : 3);
  std::thread driver([] {
    benchmark::RunSpecifiedBenchmarks();
    stage.threads = 0;
    ++stage.begun;
    stage.begun.notify_all();
  });
  const int status = llvm::cantFail(runtime->run_main({argv[1]}));
  driver.join();
  std::fflush(nullptr);
  _exit(status); // the program's static objects have nothing to do
}
