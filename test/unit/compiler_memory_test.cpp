// Checks that compiling and redefining without end takes no memory: an LLVM context never forgets a type or a node.
#include "codegen_fixture.h"
#include "test/support/catch_header.h"

#include <malloc.h>

using namespace llvm;
using namespace osr;

namespace {

/// sum() has a named type, a loop with properties, a constant of its own, and a call that is inlined.
constexpr const char *sum_over_pairs = R"(
%pair = type { i64, i64 }
@scale = internal constant [2 x i64] [i64 3, i64 5]
declare void @work(i64)
define internal i64 @scaled(ptr noalias %factors, i64 %n) {
  %f = load i64, ptr %factors
  %r = mul i64 %f, %n
  ret i64 %r
}
define i64 @sum(ptr %pairs, i64 %n) {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %total = phi i64 [ 0, %entry ], [ %more, %loop ]
  %second = getelementptr inbounds %pair, ptr %pairs, i64 %i, i32 1
  %value = load i64, ptr %second
  call void @work(i64 %value)
  %product = call i64 @scaled(ptr @scale, i64 %value)
  %more = add i64 %total, %product
  %next = add i64 %i, 1
  %is_end = icmp eq i64 %next, %n
  br i1 %is_end, label %end, label %loop, !llvm.loop !0
end:
  ret i64 %more
}
!0 = distinct !{!0, !1}
!1 = !{!"llvm.loop.mustprogress"}
)";

/// The same function by itself, as somebody would write it who redefines it.
std::string new_body() {
  std::string body = sum_over_pairs;
  const std::size_t begin = body.find("define internal"), end = body.find("define i64 @sum");
  return body.replace(begin, end - begin, "declare i64 @scaled(ptr, i64)\n");
}

std::size_t heap_bytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

/// Bytes that one more round takes, after some that fill caches.
template <typename Action> double growth(Action action) {
  constexpr int first_rounds = 200, rounds = 1000;
  for (int round = 0; round < first_rounds; ++round)
    action();
  const std::size_t before = heap_bytes();
  for (int round = 0; round < rounds; ++round)
    action();
  return (double(heap_bytes()) - double(before)) / rounds;
}

constexpr double allowed = 40; ///< bytes: some list grows now and then; one node of metadata takes 60

} // namespace

TEST_CASE("Compiling the same version again and again takes no memory") {
  CompiledText program(sum_over_pairs, {});
  CHECK(growth([&] { program.compile("sum", Tier::Baseline); }) < allowed);
  CHECK(growth([&] { program.compile("sum", Tier::Optimized); }) < allowed);
  CHECK(growth([&] { program.compile("sum", Tier::Optimized, 0); }) < allowed);
}

TEST_CASE("Redefining a function again and again takes no memory") {
  CompiledText program(sum_over_pairs, {});
  const std::string body = new_body();
  FunctionId current = program.id("sum");
  CHECK(growth([&] {
          auto prepared = cantFail(program.compiler().prepare_body(current, MemoryBufferRef(body, "body")));
          const FunctionId next = program.compiler().adopt_body(current, std::move(prepared));
          cantFail(program.compiler().compile({next, Tier::Optimized, std::nullopt}));
          program.compiler().drop_body(current);
          current = next;
        }) < allowed);
}
