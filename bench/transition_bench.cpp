// Cost of replacing one frame, from the return into a stub until the new code goes on, against the other ways of a
// process to leave a frame sideways: setjmp + longjmp and throw + catch, over one frame.
//
// `work` (compiled by us) has eight live values across its call of `ext`, which may send its own return into a stub.
// Counters are nanoseconds of one call of everything; `plain_*` is the same call with an ordinary return, to be
// subtracted. In-place transitions go from optimised to baseline code, continuations the other way.
//
//   transition/warm   the same site again and again
//   transition/cold   all caches were filled with something else, then one ordinary call was made: what only the
//                     transition needs is cold. A continuation gets its values on the object stack, which `work` does not
//                     use; continuation_warm_objects stands for programs that do.
#include "bench/bench_program.h"
#include "bench/medians.h"
#include "bench/require.h"
#include "osr-stubs/thread_state.h"

#include <csetjmp>
#include <cstdint>
#include <vector>

using namespace osr;

extern "C" {
/// The stub to return into; 0: an ordinary return.
std::uint64_t bench_return_stub = 0;
std::uint64_t bench_ext(std::uint64_t argument);
}

asm(R"(
  .text
  .globl bench_ext
  .type bench_ext, @function
bench_ext:
  mov bench_return_stub(%rip), %rax
  test %rax, %rax
  je 1f
  mov %rax, (%rsp)
1: lea 1(%rdi), %rax
  ret
  .size bench_ext, . - bench_ext
)");

namespace {

const char *const ir = R"(
declare i64 @ext(i64)
define i64 @work(i64 %a, i64 %b) noinline {
  %c = mul i64 %a, %b
  %d = xor i64 %a, %b
  %e = mul i64 %c, %d
  %f = or i64 %c, %d
  %g = mul i64 %f, %a
  %h = xor i64 %g, %e
  %r = call i64 @ext(i64 %h)
  %1 = add i64 %r, %a
  %2 = mul i64 %1, %b
  %3 = add i64 %2, %c
  %4 = mul i64 %3, %d
  %5 = add i64 %4, %e
  %6 = mul i64 %5, %f
  %7 = add i64 %6, %g
  %8 = mul i64 %7, %h
  ret i64 %8
}
)";

using Work = std::uint64_t(std::uint64_t, std::uint64_t);

jmp_buf jump_target;
bool leave_sideways = false;

__attribute__((noinline)) void jump() {
  if (leave_sideways)
    longjmp(jump_target, 1);
  benchmark::ClobberMemory();
}
__attribute__((noinline)) void set_and_jump() {
  if (setjmp(jump_target) == 0)
    jump();
}
__attribute__((noinline)) void only_call() {
  jump();
  benchmark::ClobberMemory();
}
__attribute__((noinline)) void throw_one() {
  if (leave_sideways)
    throw 1;
  benchmark::ClobberMemory();
}
__attribute__((noinline)) void try_and_catch() {
  try {
    throw_one();
  } catch (int) {
    benchmark::ClobberMemory();
  }
}

/// One way to leave a frame, by its name in the counters.
struct Way {
  const char *name;
  void (*call)();
  std::uint64_t stub;
  bool sideways;
  bool warm_objects = false; ///< cold: but the top of the object stack, where the program keeps its objects, is not
};

Work *optimized = nullptr, *baseline = nullptr;
void call_optimized() { benchmark::DoNotOptimize(optimized(3, 5)); }
void call_baseline() { benchmark::DoNotOptimize(baseline(3, 5)); }

std::vector<Way> all_ways() {
  static BenchProgram program(ir, {{"ext", reinterpret_cast<std::uint64_t>(&bench_ext)}});
  const auto stub = [](Tier from, StubKind kind) {
    const CodeObject &code = program.version("work", from).object;
    std::uint64_t return_pc = 0;
    code.sites.for_each([&](const SiteRecord &record) { return_pc = code.code_begin + record.return_pc_offset; });
    return program.stub(return_pc, from == Tier::Optimized ? Landing::InPlace : Landing::Continuation, kind);
  };
  optimized = reinterpret_cast<Work *>(program.version("work", Tier::Optimized).object.entry_pc);
  baseline = reinterpret_cast<Work *>(program.version("work", Tier::Baseline).object.entry_pc);
  return {
      {"plain_optimized", call_optimized, 0, false},
      {"plain_baseline", call_baseline, 0, false},
      {"in_place", call_optimized, stub(Tier::Optimized, StubKind::Generated), false},
      {"in_place_interpreted", call_optimized, stub(Tier::Optimized, StubKind::Interpreted), false},
      {"continuation", call_baseline, stub(Tier::Baseline, StubKind::Generated), false},
      {"continuation_warm_objects", call_baseline, stub(Tier::Baseline, StubKind::Generated), false, true},
      {"continuation_interpreted", call_baseline, stub(Tier::Baseline, StubKind::Interpreted), false},
      {"plain_jump", only_call, 0, false}, // no setjmp
      {"longjmp", set_and_jump, 0, true},
      {"plain_throw", try_and_catch, 0, false},
      {"throw", try_and_catch, 0, true},
  };
}

Way plain(const Way &way) { return {way.name, way.call, 0, false}; }

void choose(const Way &way) {
  bench_return_stub = way.stub;
  leave_sideways = way.sideways;
}

/// Replacing the frame changes no result.
void check(const std::vector<Way> &ways) {
  bench_return_stub = 0;
  const std::uint64_t expected = optimized(3, 5);
  for (const Way &way : ways)
    if (way.stub != 0) {
      choose(way);
      require((way.call == call_optimized ? optimized : baseline)(3, 5) == expected, "a transition lost a value");
    }
}

void warm(benchmark::State &state) {
  Medians medians;
  const std::vector<Way> ways = all_ways();
  check(ways);
  for (const Way &way : ways)
    medians.add(way.name, [way] {
      choose(way);
      way.call();
      return per_call(1000, way.call)();
    });
  medians.run(state);
}

/// Larger than any cache of the machine, so that afterwards they hold nothing of ours.
void fill_caches() {
  static std::vector<std::uint64_t> memory(std::size_t(96) << 17);
  for (std::size_t i = 0; i < memory.size(); i += 8)
    memory[i] += i;
  benchmark::ClobberMemory();
}

/// As a program does whose functions have objects.
void use_object_stack() {
  for (char *line = osr_object_stack_top - 1; line > osr_object_stack_top - 256; line -= 64)
    *static_cast<volatile char *>(line) = 0;
}

/// Ticks of the processor's clock: the system's takes too long for a single call.
__attribute__((noinline)) std::uint64_t one_call(void (*call)()) {
  unsigned core;
  const std::uint64_t start = __builtin_ia32_rdtscp(&core);
  __builtin_ia32_lfence();
  call();
  return __builtin_ia32_rdtscp(&core) - start;
}

double nanoseconds_per_tick() {
  unsigned core;
  const std::uint64_t start_ticks = __builtin_ia32_rdtscp(&core);
  const double start = now_seconds();
  while (now_seconds() < start + 0.02)
    benchmark::ClobberMemory();
  return (now_seconds() - start) * 1e9 / double(__builtin_ia32_rdtscp(&core) - start_ticks);
}

void cold(benchmark::State &state) {
  const double tick = nanoseconds_per_tick();
  Medians medians;
  const std::vector<Way> ways = all_ways();
  for (const Way &way : ways)
    medians.add(way.name, [way, tick] {
      choose(way);
      way.call(); // page faults and lazy binding
      fill_caches();
      choose(plain(way));
      one_call(way.call); // what an ordinary call and the clock need comes back into the caches
      if (way.warm_objects)
        use_object_stack();
      choose(way);
      return double(one_call(way.call)) * tick;
    });
  medians.run(state);
}

} // namespace

BENCHMARK(warm)->Name("transition/warm")->Iterations(400);
BENCHMARK(cold)->Name("transition/cold")->Iterations(100)->Unit(benchmark::kMillisecond);

BENCHMARK_MAIN();
