// Checks code that rests on what baseline code has counted, in a running program: it leaves when something else happens,
// and is compiled without the guess when that happens again.
#include "live_program.h"
#include "test/support/catch_header.h"

#include <atomic>

using namespace llvm;
using namespace osr;

namespace {

constexpr const char *text = R"(
  define i64 @one(i64 %x) {
    %y = call i64 @host(i64 %x)
    %r = add i64 %y, 1
    ret i64 %r
  }
  define i64 @two(i64 %x) {
    %y = call i64 @host(i64 %x)
    %r = mul i64 %y, 10
    ret i64 %r
  }
  @pointer = global ptr @one
  define void @point_to(i64 %which) noinline {
    %is_one = icmp eq i64 %which, 1
    %target = select i1 %is_one, ptr @one, ptr @two
    store ptr %target, ptr @pointer
    ret void
  }

  ; The sum of what the pointer gives for 0..n-1.
  define i64 @sums(i64 %n) noinline {
    br label %loop
  loop:
    %i = phi i64 [ 0, %0 ], [ %next, %loop ]
    %s = phi i64 [ 0, %0 ], [ %sum, %loop ]
    %target = load ptr, ptr @pointer
    %r = call i64 %target(i64 %i)
    %sum = add i64 %s, %r
    %next = add i64 %i, 1
    %go = icmp ult i64 %next, %n
    br i1 %go, label %loop, label %done
  done:
    ret i64 %sum
  }

  define i64 @rare(i64 %x) noinline {
    %r = call i64 @host(i64 %x)
    ret i64 %r
  }
  define i64 @limited(i64 %x) noinline {
    %large = icmp ugt i64 %x, 1000
    br i1 %large, label %over, label %join
  over:
    %y = call i64 @rare(i64 %x)
    br label %join
  join:
    %z = phi i64 [ %x, %0 ], [ %y, %over ]
    %r = add i64 %z, 3
    ret i64 %r
  }
)";

LiveProgram &program() {
  static auto *live =
      new LiveProgram(text, {.tier_up = {.policy = std::make_shared<CountingPolicy>(20), .compile_threads = 0},
                             .speculate_after = 10}); // its thread never ends
  return *live;
}

Statistics counted() { return *program().runtime().snapshot(); }

void point_to(std::uint64_t which) { program().call("point_to", which); }

/// What sums(n) has to give when the pointer leads to `which` from 0 to n-1.
std::uint64_t expected(std::uint64_t which, std::uint64_t n) {
  const std::uint64_t sum = n * (n - 1) / 2;
  return which == 1 ? sum + n : 10 * sum;
}

constexpr std::uint64_t rounds = 50;

void warm_up(const char *function, std::uint64_t argument) {
  for (int i = 0; i < 10; ++i)
    program().call(function, argument);
}

} // namespace

TEST_CASE("A call by pointer that had one target calls it in the same frame, and leaves when it has another") {
  program().inside([] {
    program().on_host = [](std::uint64_t argument) { return argument; };
    point_to(1);
    warm_up("sums", rounds);
    const Statistics before = counted();
    CHECK(before.speculation.single_calls > 0);
    CHECK(before.speculation.inlined > 0);
    CHECK(before.guards.failed == 0);

    std::string stack_before, stack_after;
    program().on_host = [&](std::uint64_t argument) {
      if (argument == 6)
        stack_before = program().stack();
      if (argument == 7)
        point_to(2); // the call under way is still of the old target
      if (argument == 9)
        stack_after = program().stack();
      return argument;
    };
    CHECK(program().call("sums", rounds) == expected(2, rounds) - expected(2, 8) + expected(1, 8));
    CHECK(stack_before.starts_with("O"));
    CHECK_FALSE(stack_before.starts_with("OO")); // the target has no frame of its own
    CHECK(stack_after.starts_with("BB"));
    const Statistics after = counted();
    CHECK(after.speculation.failed == before.speculation.failed + 1);
    CHECK(after.guards.dropped == before.guards.dropped);
  });
}

TEST_CASE("A guess that keeps failing is given up: the call asks for the targets that it has now, and nothing leaves") {
  program().inside([] {
    program().on_host = [](std::uint64_t argument) { return argument; };
    const Statistics before = counted();
    for (int i = 0; i < 20; ++i)
      for (std::uint64_t which : {1, 2, 2}) {
        point_to(which);
        CHECK(program().call("sums", rounds) == expected(which, rounds));
      }
    const Statistics after = counted();
    CHECK(after.guards.dropped == 1);
    CHECK(after.speculation.tested_calls > 0);
    CHECK(after.speculation.failed <= before.speculation.failed + 3);

    for (int i = 0; i < 200; ++i) {
      point_to(1 + i % 2);
      CHECK(program().call("sums", rounds) == expected(1 + i % 2, rounds));
    }
    const Statistics at_end = counted();
    CHECK(at_end.speculation.failed == after.speculation.failed);
    CHECK(at_end.guards.dropped == after.guards.dropped);
  });
}

TEST_CASE("Code with an inlined target of a call by pointer goes when the target is redefined") {
  program().inside([] {
    program().on_host = [](std::uint64_t argument) { return argument; };
    point_to(1);
    warm_up("sums", rounds);
    const auto text =
        MemoryBuffer::getMemBuffer("define i64 @one(i64 %x) {\n  %r = add i64 %x, 100\n  ret i64 %r\n}\n", "one");
    const RedefineOutcome outcome = cantFail(program().runtime().redefine("one", text->getMemBufferRef()));
    CHECK(outcome.invalidated > 0);
    CHECK(program().call("sums", rounds) == rounds * (rounds - 1) / 2 + rounds * 100);
    warm_up("sums", rounds);
    CHECK(program().call("sums", rounds) == rounds * (rounds - 1) / 2 + rounds * 100);
  });
}

TEST_CASE("A side of a branch that was never taken leaves, and is compiled when it is taken again and again") {
  program().inside([] {
    std::string stack;
    program().on_host = [&](std::uint64_t argument) {
      stack = program().stack();
      return argument;
    };
    const Statistics before = counted();
    for (std::uint64_t i = 0; i < 50; ++i)
      CHECK(program().call("limited", i) == i + 3);
    CHECK(counted().speculation.branches > before.speculation.branches);
    for (std::uint64_t i = 0; i < 3; ++i) {
      CHECK(program().call("limited", 2000 + i) == 2003 + i);
      CHECK(stack.starts_with("BB")); // rare and limited
    }
    CHECK(counted().speculation.failed == before.speculation.failed + 3);
    CHECK(counted().guards.dropped == before.guards.dropped + 1);
    for (std::uint64_t i = 0; i < 100; ++i)
      CHECK(program().call("limited", 2000 + i) == 2003 + i);
    CHECK(stack.starts_with("OO"));
    CHECK(counted().speculation.failed == before.speculation.failed + 3);
  });
}
