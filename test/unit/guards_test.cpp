// Checks guards in a running program: where failed ones end, what is counted, what is compiled afterwards; an embedder's
// interpreter that takes over from compiled code and gives back to it.
#include "live_program.h"
#include "test/support/catch_header.h"

#include <bit>
#include <cstring>

using namespace llvm;
using namespace osr;

namespace {

constexpr const char *text = R"(
  declare void @llvm.experimental.guard(i1, ...)
  declare i64 @llvm.experimental.deoptimize.i64(...)
  declare { i64, double } @llvm.experimental.deoptimize.sl_i64f64s(...)
  declare i1 @llvm.experimental.widenable.condition()
  @memory = global i64 0

  ; Called when something is not below 100: gives 1000 more, and says so in memory.
  define i64 @large(i64 %x) noinline "osr-continuation" {
    %seen = call i64 @host(i64 %x)
    store i64 %seen, ptr @memory
    %r = add i64 %x, 1000
    ret i64 %r
  }
  define i64 @small_only(i64 %x) noinline {
    %small = icmp ult i64 %x, 100
    call void (i1, ...) @llvm.experimental.guard(i1 %small) [ "deopt"(ptr @large, i64 %x) ]
    %r = add i64 %x, 1
    ret i64 %r
  }

  ; The same in a callee that is inlined, with a value in each frame that only baseline code needs.
  define internal i64 @checked(i64 %x, i64 %y) alwaysinline {
    %small = icmp ult i64 %x, 100
    call void (i1, ...) @llvm.experimental.guard(i1 %small) [ "deopt"(ptr @large_sum, i64 %x, i64 %y) ]
    ret i64 %x
  }
  define i64 @large_sum(i64 %x, i64 %y) noinline "osr-continuation" {
    %seen = call i64 @host(i64 %x)
    %r = add i64 %x, %y
    ret i64 %r
  }
  define i64 @sums(i64 %x) noinline {
    %y = mul i64 %x, 3
    %a = call i64 @checked(i64 %x, i64 %y)
    %z = mul i64 %x, 5
    %b = call i64 @checked(i64 %a, i64 %z)
    %s = add i64 %a, %b
    %t = add i64 %s, %y
    %u = call i64 @host(i64 %t)
    ret i64 %u
  }

  ; What the failed guard's continuation stores has to be seen by the caller, and may be stored through its argument.
  define i64 @pokes(ptr %p) noinline "osr-continuation" {
    store i64 7, ptr %p
    store ptr %p, ptr @escaped
    ret i64 0
  }
  @escaped = global ptr null
  define i64 @looks(ptr %p, i64 %x) noinline {
    %zero = icmp eq i64 %x, 0
    call void (i1, ...) @llvm.experimental.guard(i1 %zero) [ "deopt"(ptr @pokes, ptr %p) ]
    ret i64 1
  }
  define i64 @watches(i64 %x) noinline {
    %object = alloca i64
    store i64 5, ptr %object
    %before = load i64, ptr %object
    %r = call i64 @looks(ptr %object, i64 %x)
    %after = load i64, ptr %object
    %difference = sub i64 %after, %before
    ret i64 %difference
  }

  ; Each of six arguments' bits is guarded by itself.
  define i64 @bits(i64 %x) noinline {
    %b0 = and i64 %x, 1
    %g0 = icmp eq i64 %b0, 0
    call void (i1, ...) @llvm.experimental.guard(i1 %g0) [ "deopt"(ptr @large, i64 %x) ]
    %b1 = and i64 %x, 2
    %g1 = icmp eq i64 %b1, 0
    call void (i1, ...) @llvm.experimental.guard(i1 %g1) [ "deopt"(ptr @large, i64 %x) ]
    %b2 = and i64 %x, 4
    %g2 = icmp eq i64 %b2, 0
    call void (i1, ...) @llvm.experimental.guard(i1 %g2) [ "deopt"(ptr @large, i64 %x) ]
    %b3 = and i64 %x, 8
    %g3 = icmp eq i64 %b3, 0
    call void (i1, ...) @llvm.experimental.guard(i1 %g3) [ "deopt"(ptr @large, i64 %x) ]
    %b4 = and i64 %x, 16
    %g4 = icmp eq i64 %b4, 0
    call void (i1, ...) @llvm.experimental.guard(i1 %g4) [ "deopt"(ptr @large, i64 %x) ]
    %b5 = and i64 %x, 32
    %g5 = icmp eq i64 %b5, 0
    call void (i1, ...) @llvm.experimental.guard(i1 %g5) [ "deopt"(ptr @large, i64 %x) ]
    %b6 = and i64 %x, 64
    %g6 = icmp eq i64 %b6, 0
    call void (i1, ...) @llvm.experimental.guard(i1 %g6) [ "deopt"(ptr @large, i64 %x) ]
    ret i64 %x
  }

  define i64 @widenable(i64 %x) noinline {
    %small = icmp ult i64 %x, 100
    %w = call i1 @llvm.experimental.widenable.condition()
    %go = and i1 %small, %w
    br i1 %go, label %fast, label %slow
  fast:
    ret i64 1
  slow:
    %r = call i64 (...) @llvm.experimental.deoptimize.i64(i32 42) [ "deopt"(i64 %x, i32 11) ]
    ret i64 %r
  }

  ; All kinds of values, into the embedder's interpreter, and a result of two registers.
  define { i64, double } @kinds(i64 %x) noinline {
    %i = trunc i64 %x to i13
    %f = uitofp i64 %x to float
    %d = uitofp i64 %x to double
    %e = uitofp i64 %x to x86_fp80
    %w = zext i64 %x to i128
    %big = shl i128 %w, 64
    %p = inttoptr i64 %x to ptr
    %v = insertelement <4 x i32> zeroinitializer, i32 9, i32 3
    %r = call { i64, double } (...) @llvm.experimental.deoptimize.sl_i64f64s()
        [ "deopt"(i13 %i, float %f, double %d, x86_fp80 %e, i128 %big, ptr %p, <4 x i32> %v) ]
    ret { i64, double } %r
  }
  define i64 @uses_kinds(i64 %x) noinline {
    %both = call { i64, double } @kinds(i64 %x)
    %a = extractvalue { i64, double } %both, 0
    %b = extractvalue { i64, double } %both, 1
    %c = fptoui double %b to i64
    %r = add i64 %a, %c
    ret i64 %r
  }

  ; Sums from %i below %n. The interpreter takes over at 50 and comes back at a checkpoint.
  define i64 @loop(i64 %n) noinline {
    br label %head
  head:
    %i = phi i64 [ 0, %0 ], [ %next, %body ]
    %s = phi i64 [ 0, %0 ], [ %sum, %body ]
    %more = icmp ult i64 %i, %n
    br i1 %more, label %body, label %done
  body:
    %add = call i64 @host(i64 %i)
    %usual = icmp ne i64 %add, 50
    call void (i1, ...) @llvm.experimental.guard(i1 %usual, i32 3) [ "deopt"(i64 %i, i64 %s, i64 %n) ]
    %sum = add i64 %s, %add
    %next = add i64 %i, 1
    br label %head
  done:
    ret i64 %s
  }

  define i64 @has_object(i64 %x) noinline {
    %object = alloca [4 x i64]
    %p = getelementptr i64, ptr %object, i64 %x
    store i64 %x, ptr %p
    %address = ptrtoint ptr %object to i64
    %y = call i64 @host(i64 %address)
    %z = load i64, ptr %p
    ret i64 %z
  }
)";

DeoptimizeHandler interpreter; ///< what it does now

LiveProgram &program() {
  static LiveProgram *live = [] {
    Runtime::Options options;
    options.deoptimize = [](const DeoptimizedFrame &frame) { return interpreter(frame); };
    return new LiveProgram(text, std::move(options));
  }();
  return *live;
}

Statistics::Guards guards() { return program().runtime().snapshot()->guards; }

std::span<const std::byte> bytes_of(const std::uint64_t &value) {
  return std::as_bytes(std::span<const std::uint64_t, 1>(&value, 1));
}

std::string error_of(Expected<std::uint64_t> result) { return result ? "" : toString(result.takeError()); }

} // namespace

TEST_CASE("A failed guard ends in baseline code, in its continuation, and is counted; often failed it is not assumed") {
  program().inside([&] {
    const auto before = guards();
    CHECK(program().call("small_only", 5) == 6);
    CHECK(guards().failed == before.failed);
    std::string stack;
    program().on_host = [&](std::uint64_t x) {
      stack = program().stack();
      return x;
    };
    std::vector<std::string> stacks;
    for (std::uint64_t i = 0; i < 6; ++i) {
      CHECK(program().call("small_only", 100 + i) == 1100 + i);
      stacks.push_back(stack);
    }
    // The continuation, its caller, main.
    CHECK(stacks == std::vector<std::string>{"OBO", "OBO", "OBO", "OOO", "OOO", "OOO"});
    const auto after = guards();
    CHECK(after.failed == before.failed + 3);
    CHECK(after.dropped == before.dropped + 1);
    CHECK(after.invalidated == before.invalidated + 1);
    CHECK(after.exits.at("small_only#0: guard") == 3);
    for (std::uint64_t i = 0; i < 10'000; ++i)
      CHECK(program().call("small_only", 50 + i % 100) == (i % 100 < 50 ? 51 + i % 100 : 1050 + i % 100));
    CHECK(guards().failed == after.failed);
    CHECK(guards().invalidated == after.invalidated);
  });
}

TEST_CASE("A guard that was inlined leaves with the frames around it, each with its values") {
  program().inside([&] {
    const auto before = program().runtime().snapshot()->transitions.split;
    std::vector<std::string> stacks;
    program().on_host = [&](std::uint64_t x) {
      stacks.push_back(program().stack());
      return x;
    };
    CHECK(program().call("sums", 10) == 50);
    // The first exit goes on in baseline code, which calls the function itself: the second exit. The third is the last.
    for (int i = 0; i < 3; ++i)
      CHECK(program().call("sums", 100) == 400 + 900 + 300);
    CHECK(stacks.size() == 10);
    CHECK(stacks[1] == "OBBO"); // the continuation, checked, sums, main
    CHECK(program().runtime().snapshot()->transitions.split == before + 2);
  });
}

TEST_CASE("Callers learn nothing from optimised code about what activations do that leave it") {
  program().inside([&] {
    CHECK(program().call("watches", 0) == 0);
    for (int i = 0; i < 5; ++i)
      CHECK(program().call("watches", 1) == 2);
  });
}

TEST_CASE("Code with many guards is not compiled anew for each of them") {
  program().inside([&] {
    const auto before = guards();
    for (std::uint64_t bit = 0; bit < 7; ++bit)
      for (int i = 0; i < 10; ++i)
        CHECK(program().call("bits", 1u << bit) == (1u << bit) + 1000);
    CHECK(guards().dropped == before.dropped + Assumptions::most_dropped);
    CHECK(guards().failed == before.failed + 3 * Assumptions::most_dropped);
    CHECK(guards().invalidated == before.invalidated + Assumptions::most_dropped);
  });
}

TEST_CASE("An embedder's interpreter gets the frame state and gives the result") {
  program().inside([&] {
    interpreter = [&](const DeoptimizedFrame &frame) -> DeoptimizedResult {
      CHECK(frame.function == "widenable");
      CHECK(frame.result_type == "i64");
      REQUIRE(frame.arguments.size() == 1);
      CHECK(frame.arguments[0].type == "i32");
      CHECK(frame.arguments[0].words[0] == 42);
      REQUIRE(frame.state.size() == 2);
      CHECK(frame.state[1].words[0] == 11);
      return {frame.state[0].words[0] * 2};
    };
    CHECK(program().call("widenable", 5) == 1);
    for (std::uint64_t i = 0; i < 5; ++i)
      CHECK(program().call("widenable", 100 + i) == 200 + 2 * i);
    CHECK(guards().exits.at("widenable#0: deoptimize") == 3);
  });
}

TEST_CASE("Values of all kinds are handed over as words") {
  program().inside([&] {
    interpreter = [&](const DeoptimizedFrame &frame) -> DeoptimizedResult {
      CHECK(frame.result_type == "{ i64, double }");
      std::vector<std::vector<std::uint64_t>> words;
      for (const DeoptimizedValue &value : frame.state)
        words.emplace_back(value.words.begin(), value.words.end());
      const long double extended = 12345;
      std::uint64_t extended_words[2] = {};
      std::memcpy(extended_words, &extended, 10);
      CHECK(words == std::vector<std::vector<std::uint64_t>>{{12345 & 8191},
                                                             {std::bit_cast<std::uint32_t>(12345.0f)},
                                                             {std::bit_cast<std::uint64_t>(12345.0)},
                                                             {extended_words[0], extended_words[1]},
                                                             {0, 12345},
                                                             {12345},
                                                             {0, std::uint64_t(9) << 32}});
      return {40, std::bit_cast<std::uint64_t>(2.0)};
    };
    for (int i = 0; i < 5; ++i)
      CHECK(program().call("uses_kinds", 12345) == 42);
  });
}

TEST_CASE("An interpreter goes on in compiled code in mid-function") {
  program().inside([&] {
    unsigned interpreted = 0;
    interpreter = [&](const DeoptimizedFrame &frame) -> DeoptimizedResult {
      CHECK(frame.arguments[0].words[0] == 3);
      ++interpreted;
      const std::uint64_t i = frame.state[0].words[0], s = frame.state[1].words[0], n = frame.state[2].words[0];
      const FunctionInfo *info = program().runtime().engine().program().find_function("loop");
      std::vector<EnteredValue> state; // by the names that the values have in the IR
      for (const FrameStateValue &value : info->sites[0].state)
        state.push_back(bytes_of(value.name == "i" ? i : value.name == "s" ? s : n));
      // As if the call had returned something else than 50.
      return {cantFail(program().runtime().enter_at("loop", 0, state, 1'000'000))};
    };
    program().on_host = [](std::uint64_t i) { return i; };
    for (int round = 0; round < 5; ++round)
      CHECK(program().call("loop", 100) == 99 * 100 / 2 - 50 + 1'000'000);
    CHECK(interpreted == 5);
    CHECK(guards().exits.at("loop#1: guard") == 3);
  });
}

TEST_CASE("Where nobody can go on is said") {
  program().inside([&] {
    Runtime &runtime = program().runtime();
    const std::uint64_t x = 0;
    CHECK_THAT(error_of(runtime.enter_at("loop", 0, {bytes_of(x)})),
               Catch::Matchers::Contains("1 values are given, its frame state has 3"));
    CHECK_THAT(error_of(runtime.enter_at("loop", 0, {bytes_of(x), bytes_of(x), bytes_of(x).first(4)})),
               Catch::Matchers::Contains("4 bytes are given for"));
    CHECK_THAT(error_of(runtime.enter_at("has_object", 0, {})), Catch::Matchers::Contains("local objects"));
    CHECK_THAT(error_of(runtime.enter_at("kinds", 1, {})), Catch::Matchers::Contains("general register"));
    CHECK_THAT(error_of(runtime.enter_at("loop", 77, {})), Catch::Matchers::Contains("site"));
    CHECK_THAT(error_of(runtime.enter_at("nobody", 0, {})), Catch::Matchers::Contains("no function 'nobody'"));
  });
}
