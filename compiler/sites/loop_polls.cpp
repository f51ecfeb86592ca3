#include "compiler/sites/loop_polls.h"

#include "compiler/canonical/object_stack.h"
#include "compiler/sites/poll_places.h"

#include <llvm/Analysis/AssumptionCache.h>
#include <llvm/Analysis/TargetLibraryInfo.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>

using namespace llvm;

namespace osr {
namespace {

constexpr const char *poll_word_name = "osr_poll_word";

/// The poll waits for others at most: it touches nothing that the program can see. So values that were loaded before it
/// are still good behind it. (The frame state makes it a reader of all memory: stores may not wait.)
FunctionCallee declare_poll(Module &module) {
  LLVMContext &context = module.getContext();
  FunctionCallee poll = module.getOrInsertFunction(loop_poll_callee, Type::getVoidTy(context));
  auto *function = cast<Function>(poll.getCallee());
  function->setMemoryEffects(MemoryEffects::inaccessibleMemOnly());
  for (Attribute::AttrKind kind : {Attribute::Cold, Attribute::NoUnwind, Attribute::WillReturn, Attribute::NoFree,
                                   Attribute::NoCallback, Attribute::MustProgress})
    function->addFnAttr(kind);
  return poll;
}

GlobalVariable *declare_poll_word(Module &module) {
  return new GlobalVariable(module, Type::getInt32Ty(module.getContext()), /*isConstant=*/false,
                            GlobalValue::ExternalLinkage, nullptr, poll_word_name, nullptr, GlobalValue::NotThreadLocal,
                            fs_segment);
}

void insert_poll(BasicBlock::iterator before, FunctionCallee poll, GlobalVariable &word, LoopInfo &loops) {
  IRBuilder<> builder(before->getParent(), before);
  LoadInst *wanted = builder.CreateAlignedLoad(word.getValueType(), &word, Align(4), /*isVolatile=*/true, "poll");
  Value *is_wanted = builder.CreateICmpNE(wanted, builder.getInt32(0), "poll.wanted");
  MDNode *weights = MDBuilder(word.getContext()).createUnlikelyBranchWeights();
  Instruction *cold = SplitBlockAndInsertIfThen(is_wanted, before, /*Unreachable=*/false, weights, nullptr, &loops);
  builder.SetInsertPoint(cold);
  builder.CreateCall(poll);
  BasicBlock *block = cold->getParent();
  block->moveAfter(&block->getParent()->back()); // out of the way also at -O0; and all other sites keep their numbers
}

/// Near the end of the latch, never in the header of a loop that leaves from there: LLVM turns such a loop round so that
/// it is tested at the bottom, and a poll in the header would keep it from doing so. A latch that is the test already
/// gets the poll in front of all that it does: between compare and branch it would take them apart.
BasicBlock::iterator place_in(BasicBlock &latch) {
  bool tests = latch.getTerminator()->getNumSuccessors() > 1;
  return tests ? latch.getFirstInsertionPt() : latch.getTerminator()->getIterator();
}

void insert_polls(Function &function, InlinedCalls &calls, FunctionCallee poll, GlobalVariable &word) {
  TargetLibraryInfoImpl library(function.getParent()->getTargetTriple());
  TargetLibraryInfo functions(library, &function);
  DominatorTree dominators(function);
  LoopInfo loops(dominators);
  AssumptionCache assumptions(function);
  ScalarEvolution counts(function, functions, assumptions, dominators, loops);
  PollPlaces places = find_poll_places(function, loops, counts, calls);
  for (Loop *loop : places.loops)
    if (!loop->getLoopLatch()) {
      SmallVector<BasicBlock *, 8> latches;
      loop->getLoopLatches(latches);
      SplitBlockPredecessors(loop->getHeader(), latches, ".latch", &dominators, &loops);
    }
  for (Loop *loop : places.loops)
    insert_poll(place_in(*loop->getLoopLatch()), poll, word, loops);
  for (BasicBlock *header : places.headers)
    insert_poll(header->getFirstInsertionPt(), poll, word, loops);
}

} // namespace

bool is_poll_word(const Value &address) { return isa<GlobalVariable>(address) && address.getName() == poll_word_name; }

void insert_loop_polls(CanonicalProgram &program) {
  Module &module = *program.module;
  FunctionCallee poll = declare_poll(module);
  GlobalVariable *word = declare_poll_word(module);
  InlinedCalls calls;
  for (const FunctionInfo &info : program.functions)
    if (info.pinned == PinReason::None)
      insert_polls(*module.getFunction(info.name), calls, poll, *word);
}

void lower_poll_word(Module &module, std::int64_t tls_offset) {
  GlobalVariable *word = module.getGlobalVariable(poll_word_name);
  if (!word)
    return;
  Constant *offset = ConstantInt::get(Type::getInt64Ty(module.getContext()), tls_offset);
  word->replaceAllUsesWith(ConstantExpr::getIntToPtr(offset, word->getType()));
  word->eraseFromParent();
}

} // namespace osr
