// Checks which loops of canonical code poll.
#include "compiler/sites/loop_polls.h"
#include "sites_fixture.h"
#include "test/support/catch_header.h"

#include <llvm/Analysis/LoopInfo.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/Instructions.h>

using namespace llvm;
using namespace osr;

namespace {

constexpr const char *polled_declarations = R"(
  declare i64 @ext(i64)
  declare ptr @memcpy(ptr, ptr, i64)
  define i64 @small(i64 %x) {
    %r = mul i64 %x, 3
    ret i64 %r
  }
  define i64 @calls(i64 %x) {
    %r = call i64 @ext(i64 %x)
    ret i64 %r
  }
  define i64 @apart(i64 %x) noinline {
    %r = mul i64 %x, 5
    ret i64 %r
  }
  define i64 @loops(ptr %p) {
    br label %loop
  loop:
    %v = load volatile i64, ptr %p
    %go = icmp ne i64 %v, 0
    br i1 %go, label %loop, label %done
  done:
    ret i64 %v
  }
)";

struct Polled {
  explicit Polled(const std::string &text) : program(fixture.canonical(polled_declarations + text)) {
    insert_loop_polls(program);
    require_valid(*program.module);
  }
  Function &function(StringRef name = "f") { return *program.module->getFunction(name); }
  std::size_t polls(StringRef name = "f") { return calls_of(function(name), loop_poll_callee).size(); }

  CanonicalFixture fixture;
  CanonicalProgram program;
};

std::size_t polls(const std::string &text) { return Polled(text).polls(); }

/// A loop with `body`, which may use %i and %p, that ends when @ext's word says so: nobody knows when.
std::string uncounted(const std::string &body) {
  return "define void @f(ptr %p, ptr %q, i64 %n) {\n  br label %loop\nloop:\n"
         "  %i = phi i64 [ 0, %0 ], [ %next, %latch ]\n" +
         body +
         "  br label %latch\nlatch:\n  %next = add i64 %i, 1\n  %v = load volatile i64, ptr %p\n"
         "  %go = icmp ne i64 %v, 0\n  br i1 %go, label %loop, label %done\ndone:\n  ret void\n}\n";
}

/// `count` is the number of iterations, and `body` may use %i.
std::string counted(const std::string &count, const std::string &body) {
  return "define void @f(ptr %p, ptr %q, i64 %n) {\n  br label %loop\nloop:\n"
         "  %i = phi i64 [ 0, %0 ], [ %next, %loop ]\n" +
         body + "  %next = add nuw nsw i64 %i, 1\n  %go = icmp ult i64 %next, " + count +
         "\n  br i1 %go, label %loop, label %done\ndone:\n  ret void\n}\n";
}

/// Loops of `outer` and `inner` iterations; "" stands for a number that nobody knows.
std::string nest(const std::string &outer, const std::string &inner) {
  auto test = [](const std::string &count, const std::string &name) {
    return count.empty()
               ? "  %v" + name + " = load volatile i64, ptr %p\n  %go" + name + " = icmp ne i64 %v" + name + ", 0\n"
               : "  %go" + name + " = icmp ult i64 %" + name + "next, " + count + "\n";
  };
  return "define void @f(ptr %p, i64 %n) {\n  br label %outer\nouter:\n"
         "  %i = phi i64 [ 0, %0 ], [ %inext, %latch ]\n  br label %inner\ninner:\n"
         "  %j = phi i64 [ 0, %outer ], [ %jnext, %inner ]\n  store volatile i64 %j, ptr %p\n"
         "  %jnext = add nuw nsw i64 %j, 1\n" +
         test(inner, "j") + "  br i1 %goj, label %inner, label %latch\nlatch:\n  %inext = add nuw nsw i64 %i, 1\n" +
         test(outer, "i") + "  br i1 %goi, label %outer, label %done\ndone:\n  ret void\n}\n";
}

/// Without the blocks that test the word, the graph has no cycle.
bool all_cycles_poll(Function &function) {
  SmallPtrSet<const BasicBlock *, 8> removed;
  for (CallBase *poll : calls_of(function, loop_poll_callee))
    removed.insert(poll->getParent()->getSinglePredecessor());
  for (bool changed = true; changed;) {
    changed = false;
    for (const BasicBlock &block : function)
      if (!removed.contains(&block) &&
          all_of(successors(&block), [&](const BasicBlock *next) { return removed.contains(next); }))
        changed |= removed.insert(&block).second;
  }
  return removed.size() == function.size();
}

} // namespace

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

/// An interpreter with three instructions, which go on to `next` and know where the program goes on as %pc1, %pc2, %pc3.
std::string interpreter(const std::string &header, const std::string &next, const std::string &first = "") {
  return R"(
    @labels = internal constant [3 x ptr] [ptr blockaddress(@f, %one), ptr blockaddress(@f, %two),
                                           ptr blockaddress(@f, %three)]
    define void @f(ptr %code) {
      br label %next
    )" + header +
         R"(
      %operation = load i64, ptr %pc
      %slot = getelementptr ptr, ptr @labels, i64 %operation
      %label = load ptr, ptr %slot
      indirectbr ptr %label, [label %one, label %two, label %three]
    one:
    )" +
         (first.empty()
              ? "  %pc1 = getelementptr i8, ptr %pc, i64 8\n  store volatile i64 1, ptr %code\n  br label " + next
              : first) +
         R"(
    two:
      %pc2 = load volatile ptr, ptr %pc
      br label )" +
         next +
         R"(
    three:
      %r = call i64 @ext(i64 3)
      %pc3 = load volatile ptr, ptr %pc
      br label )" +
         next;
}

TEST_CASE("Check that an interpreter polls at the ends of its instructions, not where they go on to the next",
          "[loops]") {
  const std::string ends = "[ %pc1, %one ], [ %pc2, %two ], [ %pc3, %three ]\n";
  const std::string joined = "\nend:\n  %other = phi ptr " + ends + "  br label %next\n}\n";
  const std::string header = "next:\n  %pc = phi ptr [ %code, %0 ], ";
  Polled each(interpreter(header + ends, "%next") + "\n}\n");
  Polled all_together(interpreter(header + "[ %other, %end ]\n", "%end") + joined);
  for (Polled *program : {&each, &all_together}) {
    CHECK(program->polls() == 2); // the third one calls
    for (const CallBase *poll : calls_of(program->function(), loop_poll_callee))
      CHECK_FALSE(isa<SwitchInst>(poll->getParent()->getSingleSuccessor()->getTerminator()));
    CHECK(all<SwitchInst>(program->function()).size() == 1);
  }
}

TEST_CASE("Check that a counted loop in an interpreter's instruction does not poll, although a round ends there",
          "[loops]") {
  const std::string loop = R"(
      %i = phi i64 [ 0, %next ], [ %i1, %one ]
      store volatile i64 %i, ptr %code
      %i1 = add nuw nsw i64 %i, 1
      %pc1 = getelementptr i8, ptr %pc, i64 8
      %go = icmp ult i64 %i1, 100000
      br i1 %go, label %one, label %next)";
  Polled program(interpreter("next:\n  %pc = phi ptr [ %code, %0 ], [ %pc1, %one ], [ %pc2, %two ], [ %pc3, %three ]\n",
                             "%next", loop) +
                 "\n}\n");
  CHECK(program.polls() == 2);
  DominatorTree dominators(program.function());
  LoopInfo loops(dominators);
  for (const CallBase *poll : calls_of(program.function(), loop_poll_callee))
    CHECK(loops.getLoopDepth(poll->getParent()) == 1);
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

TEST_CASE("Check that baseline code polls in each loop, once, and optimised code only where it must", "[loops]") {
  struct {
    std::string text;
    std::size_t optimized, baseline;
  } const cases[] = {{uncounted("  %r = call i64 @ext(i64 %i)\n"), 0, 1},
                     {uncounted(""), 1, 1},
                     {counted("%n", ""), 0, 1},
                     {nest("8", "8"), 0, 2},
                     {nest("", ""), 2, 2},
                     {nest("%n", "%n"), 1, 2},
                     {R"(define void @f(ptr %p) personality ptr @personality {
                          br label %loop
                        loop:
                          %v = load volatile i64, ptr %p
                          switch i64 %v, label %done [ i64 0, label %throws
                                                       i64 1, label %loop
                                                       i64 2, label %loop ]
                        throws:
                          invoke void %p() to label %loop unwind label %lands
                        lands:
                          %e = landingpad { ptr, i32 } cleanup
                          br label %loop
                        done:
                          ret void
                        }
                        declare i32 @personality(...))",
                      1, 1}};
  for (const auto &test : cases) {
    INFO(test.text);
    Polled program(test.text);
    CHECK(program.polls() == test.optimized);
    insert_baseline_polls(program.program);
    require_valid(*program.program.module);
    CHECK(program.polls() == test.baseline);
    CHECK(all_cycles_poll(program.function()));
    number_sites(program.program, program.fixture.machine());
    drop_baseline_polls(*program.program.module);
    require_valid(*program.program.module);
    program.fixture.optimize(*program.program.module);
    CHECK(program.polls() <= test.optimized); // some loops are not left over at all
  }
}

TEST_CASE("Check that a poll is a site like others, with what is live in the loop, behind all other sites", "[loops]") {
  CanonicalFixture fixture;
  CanonicalProgram program = fixture.canonical(polled_declarations + uncounted("") + R"(
    define i64 @g(ptr %p, i64 %x) {
      br label %loop
    loop:
      %v = load volatile i64, ptr %p
      %go = icmp ne i64 %v, 0
      br i1 %go, label %loop, label %done
    done:
      %r = call i64 @ext(i64 %x)
      %s = add i64 %r, %x
      ret i64 %s
    }
    define i64 @pinned(ptr %p) {
      %frame = call ptr @llvm.frameaddress.p0(i32 0)
      br label %loop
    loop:
      %v = load volatile ptr, ptr %p
      %go = icmp ne ptr %v, %frame
      br i1 %go, label %loop, label %done
    done:
      ret i64 0
    }
    declare ptr @llvm.frameaddress.p0(i32))");
  insert_loop_polls(program);
  number_sites(program, fixture.machine());
  const FunctionInfo &g = *program.find_function("g");
  REQUIRE(g.sites.size() == 2);
  CHECK(g.sites[0].callee == "ext");
  CHECK(is_loop_site(g.sites[1]));
  CHECK(state_names(g.sites[1]) == std::vector<std::string>{"p", "x"});
  CHECK(program.find_function("pinned")->sites.empty());
}

TEST_CASE("Check that a poll keeps no value from being loaded before the loop", "[loops]") {
  Polled program(R"(define i64 @f(ptr noalias %p, ptr noalias %limit) {
      br label %loop
    loop:
      %sum = phi i64 [ 0, %0 ], [ %more, %loop ]
      %most = load i64, ptr %limit
      %v = load volatile i64, ptr %p
      %more = add i64 %sum, %v
      %go = icmp ult i64 %more, %most
      br i1 %go, label %loop, label %done
    done:
      ret i64 %sum
    })");
  number_sites(program.program, program.fixture.machine());
  program.fixture.optimize(*program.program.module);
  Function &function = program.function();
  CHECK(program.polls() == 1);
  std::size_t hoisted = 0;
  for (Instruction &instruction : function.getEntryBlock())
    if (auto *load = dyn_cast<LoadInst>(&instruction))
      hoisted += !load->isVolatile();
  CHECK(hoisted == 1);
}

TEST_CASE("Check that the poll word is the thread's own", "[loops]") {
  Polled program(uncounted(""));
  lower_poll_word(*program.program.module, -40);
  require_valid(*program.program.module);
  CHECK_FALSE(program.program.module->getGlobalVariable("osr-poll-word"));
  std::size_t found = 0;
  for (LoadInst *load : all<LoadInst>(program.function()))
    if (load->getPointerAddressSpace() == 257) {
      auto *address = cast<ConstantExpr>(load->getPointerOperand());
      CHECK(cast<ConstantInt>(address->getOperand(0))->getSExtValue() == -40);
      ++found;
    }
  CHECK(found == 1);
}
