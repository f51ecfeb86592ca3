// Cost of walking the stack, per frame: our cursor against glibc's backtrace() and libunwind's unw_step() and
// unw_backtrace(). The last one yields PCs only, from a cache of its own.
//
//   walk/ours         compiled frames of ours, one function that calls itself
//   walk/ours_varied  300 functions in a ring: more return PCs than the cursor remembers
//   walk/mixed        each fifth frame is one of this program, compiled by a C++ compiler
//
// The others walk as many frames of this program.
#include "bench/require.h"
#include "test/unit/stack_fixture.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#define UNW_LOCAL_ONLY
#include <dlfcn.h>
#include <libunwind.h>
#include <sys/resource.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

using namespace osr;
using namespace osr::test;

namespace {

constexpr unsigned frames_per_host_frame = 5;

void report(benchmark::State &state, std::size_t frames) {
  state.counters["per_frame"] =
      benchmark::Counter(double(frames), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

/// Functions ring_0 ... that call each other in turn, n calls deep; the last of them calls through host(), if it is
/// wanted.
std::string ring_program(unsigned functions, bool through_host) {
  std::string ir = "declare void @probe()\ndeclare i64 @host(i64)\n";
  for (unsigned i = 0; i < functions; ++i)
    ir += fmt::format(R"(define i64 @ring_{0}(i64 %n) noinline uwtable "frame-pointer"="all" {{
  %last = icmp eq i64 %n, 0
  br i1 %last, label %bottom, label %deeper
bottom:
  call void @probe()
  ret i64 1
deeper:
  %m = sub i64 %n, 1
  %r = call i64 @{1}(i64 %m)
  %s = mul i64 %r, %n
  ret i64 %s
}}
)",
                      i, through_host && i + 1 == functions ? "host" : fmt::format("ring_{}", (i + 1) % functions));
  return ir;
}

using Ring = std::int64_t(std::int64_t);
Ring *ring_entry = nullptr;

__attribute__((noinline)) std::int64_t host(std::int64_t n) {
  std::int64_t result = ring_entry(n);
  benchmark::ClobberMemory(); // no tail call
  return result;
}

/// Walks from the newest frame of ours to the oldest one.
void walk_ours(benchmark::State &state, StackWorld &w, std::size_t our_frames) {
  ucontext_t context;
  getcontext(&context);
  FrameCursor all(exact(context), *w.code, w.stubs, w.bounds);
  while (!all.frame().code)
    all.advance();
  const WalkStart start{all.registers(), PcKind::ReturnPc};
  StackBounds bounds = w.bounds;
  std::size_t frames = 0;
  for (std::size_t ours = 0; ours < our_frames; ++frames, all.advance())
    if (all.frame().code && ++ours == our_frames)
      bounds.base = bounds.end = all.frame().cfa;
  for (auto _ : state) {
    std::size_t seen = 0;
    FrameCursor cursor(start, *w.code, w.stubs, bounds);
    for (; !cursor.done(); cursor.advance())
      ++seen;
    require(seen == frames && cursor.status() == WalkStatus::ReachedBase, "the cursor did not see every frame");
  }
  report(state, frames);
}

void ours(benchmark::State &state) {
  const auto frames = std::size_t(state.range(0));
  with_base([&] { walk_ours(state, world(), frames); }, [&] { world().chain(std::int64_t(frames) - 1, 1); });
}

void walk_ring(benchmark::State &state, StackWorld &w, std::size_t frames) {
  ring_entry = w.jit.function<Ring>("ring_0");
  with_base([&] { walk_ours(state, w, frames); }, [&] { ring_entry(std::int64_t(frames) - 1); }, w);
}

void varied(benchmark::State &state) {
  static StackWorld w(ring_program(300, false), "ring_0");
  walk_ring(state, w, std::size_t(state.range(0)));
}

void mixed(benchmark::State &state) {
  static StackWorld w(ring_program(frames_per_host_frame - 1, true), "ring_0", reinterpret_cast<void *>(host));
  walk_ring(state, w, std::size_t(state.range(0)) / frames_per_host_frame * (frames_per_host_frame - 1));
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

void add(const char *name, benchmark::internal::Function *function) {
  benchmark::RegisterBenchmark(name, function)->Arg(10)->Arg(1000)->Arg(100000);
}

} // namespace

int main(int argc, char **argv) {
  const rlimit stack{rlim_t(100) << 20, rlim_t(100) << 20}; // for 100,000 frames
  require(setrlimit(RLIMIT_STACK, &stack) == 0, "the stack's limit cannot be raised to 100 MB");
  benchmark::Initialize(&argc, argv);
  add("walk/ours", ours);
  add("walk/ours_varied", varied);
  add("walk/mixed", mixed);
  add("walk/glibc_backtrace", glibc_pcs);
  add("walk/unw_backtrace", libunwind_pcs);
  add("walk/unw_step", libunwind_step);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
