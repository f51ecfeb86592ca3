// Checks what polls are: sites of baseline code in each loop, of optimised code where they must be, and the word that they read.
#include "loop_polls_fixture.h"
#include "test/support/catch_header.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/Instructions.h>

using namespace llvm;
using namespace osr;

namespace {

struct Loops {
  std::string text;
  std::size_t optimized, baseline; ///< polls
};

std::vector<Loops> loops_to_poll() {
  return {{uncounted("  %r = call i64 @ext(i64 %i)\n"), 0, 1},
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
}

} // namespace

TEST_CASE("Check that baseline code polls in each loop, once, and optimised code only where it must", "[loops]") {
  for (const Loops &test : loops_to_poll()) {
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
  REQUIRE(g.sites().size() == 2);
  CHECK(g.sites()[0].callee == "ext");
  CHECK(is_loop_site(g.sites()[1]));
  CHECK(state_names(g.sites()[1]) == std::vector<std::string>{"p", "x"});
  CHECK(program.find_function("pinned")->sites().empty());
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
