// Checks which loops of canonical code poll.
#include "loop_polls_fixture.h"
#include "test/support/catch_header.h"

using namespace llvm;
using namespace osr;

TEST_CASE("Check that a loop whose end nobody knows polls, and a counted one does not", "[loops]") {
  CHECK(polls(uncounted("")) == 1);
  CHECK(polls("define void @f() {\n  br label %loop\nloop:\n  br label %loop\n}\n") == 1);
  CHECK(polls(counted("%n", "  store volatile i64 %i, ptr %p\n")) == 0);
  CHECK(polls(counted("1000000", "  store volatile i64 %i, ptr %p\n")) == 0);
  CHECK(polls(counted("1000000000000", "  store volatile i64 %i, ptr %p\n")) == 1); // it runs for minutes
  CHECK(polls(R"(define i64 @f(ptr %list) {
      br label %loop
    loop:
      %at = phi ptr [ %list, %0 ], [ %next, %loop ]
      %next = load ptr, ptr %at
      %end = icmp eq ptr %next, null
      br i1 %end, label %done, label %loop
    done:
      %a = ptrtoint ptr %at to i64
      ret i64 %a
    })") == 1);
  // It may end early, but not late.
  CHECK(polls(R"(define i64 @f(ptr %p, i64 %n) {
      br label %loop
    loop:
      %i = phi i64 [ 0, %0 ], [ %next, %latch ]
      %cell = getelementptr i64, ptr %p, i64 %i
      %v = load i64, ptr %cell
      %found = icmp eq i64 %v, 0
      br i1 %found, label %done, label %latch
    latch:
      %next = add nuw nsw i64 %i, 1
      %go = icmp ult i64 %next, %n
      br i1 %go, label %loop, label %done
    done:
      ret i64 %i
    })") == 0);
}

TEST_CASE("Check that a loop polls unless every iteration comes to a site that inlining cannot remove", "[loops]") {
  CHECK(polls(uncounted("  %r = call i64 @ext(i64 %i)\n")) == 0);
  CHECK(polls(uncounted("  %r = call i64 %q(i64 %i)\n")) == 0);
  CHECK(polls(uncounted("  %r = call i64 @apart(i64 %i)\n")) == 0);
  CHECK(polls(uncounted("  %r = call i64 @calls(i64 %i)\n")) == 0); // inlined or not, ext is called
  CHECK(polls(uncounted("  %r = call i64 @small(i64 %i)\n")) == 1);
  CHECK(polls(uncounted("  call void @f(ptr %p, ptr %q, i64 %i)\n")) == 0); // stays recursive, as below
  CHECK(polls(uncounted("  %r = call ptr @memcpy(ptr %p, ptr %q, i64 8)\n")) == 1); // no site
  CHECK(polls(uncounted("  %odd = trunc i64 %i to i1\n  br i1 %odd, label %some, label %latch\nsome:\n"
                        "  %r = call i64 @ext(i64 %i)\n")) == 1);
}

TEST_CASE("Check that calls of functions that stay recursive are sites in every round, and are not inlined",
          "[loops]") {
  // The result is what a call is followed by: another one, the same one in a loop, or the end.
  const auto recursive = [](const std::string &rest) {
    return "define i64 @again(i64 %x) {\n  %small = icmp ult i64 %x, 2\n  br i1 %small, label %done, label %go\n"
           "done:\n  ret i64 %x\ngo:\n  %y = lshr i64 %x, 1\n  %a = call i64 @again(i64 %y)\n" +
           rest + "}\n";
  };
  const std::string twice = recursive("  %b = call i64 @again(i64 %a)\n  ret i64 %b\n");
  const std::string in_loop = recursive("  %more = icmp ult i64 %a, 5\n  br i1 %more, label %go, label %done\n");
  const std::string either = recursive("  ret i64 %a\n");
  const std::string caller = uncounted("  %r = call i64 @again(i64 %i)\n");
  for (const std::string &callee : {twice, in_loop}) {
    Polled program(callee + caller);
    CHECK(program.polls() == 0);
    CHECK(program.polls("again") == 0);
    for (const CallBase *call : calls_of(program.function(), "again"))
      CHECK(call->isNoInline());
  }
  Polled once(either + caller); // a loop when it is optimised, and inlined
  CHECK(once.polls() == 1);
  for (const CallBase *call : calls_of(once.function(), "again"))
    CHECK_FALSE(call->isNoInline());
}

TEST_CASE("Check that a counted loop polls if what is inlined into it may loop", "[loops]") {
  CHECK(polls(counted("%n", "  %r = call i64 @small(i64 %i)\n")) == 0);
  CHECK(polls(counted("%n", "  %r = call i64 @loops(ptr %p)\n")) == 1);
}

TEST_CASE("Check that of a nest all loops poll but counted innermost ones", "[loops]") {
  CHECK(polls(nest("", "")) == 2);
  CHECK(polls(nest("", "%n")) == 1);
  CHECK(polls(nest("%n", "")) == 2);
  CHECK(polls(nest("%n", "%n")) == 1);
  CHECK(polls(nest("8", "8")) == 0); // over in no time, and about to be unrolled
  CHECK(polls(nest("1000", "1000")) == 1);
}

TEST_CASE("Check that no cycle of an irreducible loop is without a poll", "[loops]") {
  Polled program(R"(define void @f(i1 %c, ptr %p) {
      br i1 %c, label %a, label %b
    a:
      %x = load volatile i1, ptr %p
      br i1 %x, label %b, label %done
    b:
      %y = load volatile i1, ptr %p
      br i1 %y, label %a, label %inner
    inner:
      %z = load volatile i1, ptr %p
      br i1 %z, label %inner, label %b
    done:
      ret void
    })");
  CHECK(program.polls() >= 2);
  CHECK(all_cycles_poll(program.function()));
}

TEST_CASE("Check that a loop with several latches polls once, in one of its own", "[loops]") {
  Polled program(R"(define void @f(ptr %p) {
      br label %loop
    loop:
      %i = phi i64 [ 0, %0 ], [ 1, %one ], [ 2, %two ], [ 2, %two ]
      %v = load volatile i64, ptr %p
      switch i64 %v, label %done [ i64 0, label %one
                                   i64 1, label %two ]
    one:
      store volatile i64 %i, ptr %p
      br label %loop
    two:
      switch i64 %i, label %done [ i64 3, label %loop
                                   i64 4, label %loop ]
    done:
      ret void
    })");
  CHECK(program.polls() == 1);
}
