// Cost of walking the stack, per frame: our cursor against glibc's backtrace() and libunwind's unw_step() and
// unw_backtrace(). The last one yields PCs only, from a cache of its own.
//
// The cursor walks compiled frames of ours; the others walk as many frames of this program.
#include "test/unit/stack_fixture.h"

#include <benchmark/benchmark.h>

#define UNW_LOCAL_ONLY
#include <dlfcn.h>
#include <libunwind.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

using namespace osr;
using namespace osr::test;

namespace {

void require(bool holds, const char *what) {
  if (holds)
    return;
  std::fprintf(stderr, "walk_bench: %s\n", what);
  std::abort();
}

void report(benchmark::State &state, std::size_t frames) {
  state.counters["per_frame"] =
      benchmark::Counter(double(frames), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void frame_cursor(benchmark::State &state) {
  const auto depth = std::size_t(state.range(0));
  auto at_probe = [&] {
    ucontext_t context;
    getcontext(&context);
    WalkStart start = exact(context);
    std::size_t frames = 0;
    // The frames of this file are foreign to the cursor: begin at the first of ours, where it needs no libunwind.
    for (FrameCursor cursor(start, *world().code, world().stubs, world().bounds); !cursor.done(); cursor.advance())
      if (cursor.frame().code) {
        start = {cursor.registers(), PcKind::ReturnPc};
        break;
      }
    for (auto _ : state) {
      FrameCursor cursor(start, *world().code, world().stubs, world().bounds);
      for (frames = 0; !cursor.done() && cursor.frame().code; cursor.advance())
        ++frames;
      benchmark::DoNotOptimize(frames);
    }
    require(frames == depth + 1, "the cursor did not see every frame");
    report(state, frames);
  };
  with_base(at_probe, [&] { world().chain(std::int64_t(depth), 1); });
}

__attribute__((noinline)) std::int64_t recurse(std::size_t depth, const std::function<void()> &at_end) {
  if (depth == 0)
    at_end();
  else
    benchmark::DoNotOptimize(recurse(depth - 1, at_end));
  benchmark::ClobberMemory(); // no tail call
  return std::int64_t(depth);
}

/// nongnu libunwind also exports a function `backtrace`; ask each library for its own.
using Backtrace = int (*)(void **pcs, int size);
Backtrace glibc_backtrace() {
  void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
  require(libc, "libc.so.6 is not loaded");
  return reinterpret_cast<Backtrace>(dlsym(libc, "backtrace"));
}

void all_pcs(benchmark::State &state, Backtrace collect) {
  const auto depth = std::size_t(state.range(0));
  recurse(depth, [&] {
    std::vector<void *> pcs(depth);
    int frames = 0;
    for (auto _ : state)
      benchmark::DoNotOptimize(frames = collect(pcs.data(), int(pcs.size())));
    require(std::size_t(frames) == depth, "a backtrace did not see every frame");
    report(state, depth);
  });
}

void glibc_pcs(benchmark::State &state) { all_pcs(state, glibc_backtrace()); }
void libunwind_pcs(benchmark::State &state) { all_pcs(state, unw_backtrace); }

void libunwind_step(benchmark::State &state) {
  const auto depth = std::size_t(state.range(0));
  recurse(depth, [&] {
    std::size_t frames = 0;
    unw_context_t context;
    unw_getcontext(&context);
    for (auto _ : state) {
      unw_cursor_t cursor;
      unw_init_local(&cursor, &context);
      for (frames = 0; frames < depth && unw_step(&cursor) > 0;)
        ++frames;
    }
    require(frames == depth, "libunwind did not see every frame");
    report(state, frames);
  });
}

} // namespace

BENCHMARK(frame_cursor)->Name("walk/frame_cursor")->Arg(10)->Arg(1000);
BENCHMARK(glibc_pcs)->Name("walk/glibc_backtrace")->Arg(10)->Arg(1000);
BENCHMARK(libunwind_pcs)->Name("walk/unw_backtrace")->Arg(10)->Arg(1000);
BENCHMARK(libunwind_step)->Name("walk/unw_step")->Arg(10)->Arg(1000);

BENCHMARK_MAIN();
