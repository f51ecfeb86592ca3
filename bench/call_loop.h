// Loops that call something, for benchmarks of calls and returns.
#pragma once

#include "bench/machine_code.h"

#include <benchmark/benchmark.h>

namespace osr::bench {

inline constexpr std::int64_t calls_per_run = 1000;
inline const Bytes call_opcode{0xe8}, jump{jump_opcode};

/// void f(): calls_per_run times what `body` writes.
template <typename Body> std::uint64_t make_loop(Body body) {
  Writer code(*world().arena, 256);
  const std::uint64_t entry = code.here();
  code.put({0x53, 0xbb}); // push %rbx; mov $calls, %ebx
  code.put_integer(std::int32_t(calls_per_run));
  const std::uint64_t top = code.here();
  body(code);
  code.put({0xff, 0xcb}); // dec %ebx
  code.branch({0x0f, 0x85}, top);
  code.put({0x5b, 0xc3}); // pop %rbx; ret
  return entry;
}

inline void run_loop(benchmark::State &state, std::uint64_t loop) {
  for (auto _ : state)
    reinterpret_cast<void (*)()>(loop)();
  state.counters["per_call"] = benchmark::Counter(double(calls_per_run), benchmark::Counter::kIsIterationInvariantRate |
                                                                             benchmark::Counter::kInvert);
}

inline void run_calls_of(benchmark::State &state, std::uint64_t callee) {
  run_loop(state, make_loop([&](Writer &code) { code.branch(call_opcode, callee); }));
}

} // namespace osr::bench
