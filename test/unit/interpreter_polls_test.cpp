// Checks where the loops of interpreters poll.
#include "loop_polls_fixture.h"
#include "test/support/catch_header.h"

#include <llvm/Analysis/LoopInfo.h>
#include <llvm/IR/Dominators.h>

using namespace llvm;
using namespace osr;

namespace {

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

} // namespace

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
