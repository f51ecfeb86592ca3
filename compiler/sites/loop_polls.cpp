#include "compiler/sites/loop_polls.h"

#include "compiler/canonical/objects.h"
#include "compiler/sites/loop_analyses.h"
#include "compiler/sites/variable_gates.h"
#include "compiler/target/thread_memory.h"

#include <llvm/IR/Dominators.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>

using namespace llvm;

namespace osr {
namespace {

constexpr const char *poll_word_name = "osr-poll-word";
constexpr const char *baseline_word_name = "osr-poll-word.baseline"; ///< the same word, where only baseline code polls

/// The poll waits for others at most: it touches nothing that the program can see. So values that were loaded before it
/// are still good behind it. (The frame state makes it a reader of all memory: stores may not wait.)
FunctionCallee declare_poll(Module &module) {
  if (Function *known = module.getFunction(loop_poll_callee))
    return known;
  LLVMContext &context = module.getContext();
  FunctionCallee poll = module.getOrInsertFunction(loop_poll_callee, Type::getVoidTy(context));
  auto *function = cast<Function>(poll.getCallee());
  function->setMemoryEffects(MemoryEffects::inaccessibleMemOnly());
  for (Attribute::AttrKind kind : {Attribute::Cold, Attribute::NoUnwind, Attribute::WillReturn, Attribute::NoFree,
                                   Attribute::NoCallback, Attribute::MustProgress})
    function->addFnAttr(kind);
  return poll;
}

GlobalVariable *declare_poll_word(Module &module, StringRef name) {
  if (GlobalVariable *known = module.getGlobalVariable(name))
    return known;
  return new GlobalVariable(module, Type::getInt32Ty(module.getContext()), /*isConstant=*/false,
                            GlobalValue::ExternalLinkage, nullptr, name, nullptr, GlobalValue::NotThreadLocal,
                            thread_address_space());
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
  if (Instruction *mark = last_mark_in(latch))
    return std::next(mark->getIterator());
  bool tests = latch.getTerminator()->getNumSuccessors() > 1;
  return tests ? latch.getFirstInsertionPt() : latch.getTerminator()->getIterator();
}

/// In front: then what is done last can become a computed goto of its own. But not inside of an instruction's own loop.
BasicBlock::iterator place_at_end_of_round(BasicBlock &end, BasicBlock &next, LoopAnalyses &analyses) {
  if (analyses.loops.getLoopFor(&end) == analyses.loops.getLoopFor(&next) || next.isEHPad())
    return end.getFirstInsertionPt();
  return SplitBlockPredecessors(&next, {&end}, ".end", &analyses.dominators, &analyses.loops)->getFirstInsertionPt();
}

BasicBlock *join_latches(Loop &loop, DominatorTree &dominators, LoopInfo &loops) {
  SmallVector<BasicBlock *, 8> latches;
  loop.getLoopLatches(latches);
  return SplitBlockPredecessors(loop.getHeader(), latches, ".latch", &dominators, &loops);
}

/// The block in which one goes back to the header; nothing else is in it if the latch tests. A point of a profile stays
/// with what it counts.
BasicBlock *block_going_back(Loop &loop, DominatorTree &dominators, LoopInfo &loops) {
  BasicBlock *latch = loop.getLoopLatch();
  return latch && latch->getTerminator()->getNumSuccessors() == 1 ? latch : join_latches(loop, dominators, loops);
}

/// In each loop that does not poll in every round. A loop around one that does goes round less often. That of an interpreter
/// does not as a whole, and gets one for all rounds: what polls twice in baseline code is about to be optimised.
void insert_missing_polls(Function &function, FunctionCallee poll, GlobalVariable &word) {
  if (!has_cycle(function))
    return;
  DominatorTree dominators(function);
  LoopInfo loops(dominators);
  SmallVector<const BasicBlock *, 8> polled;
  for (const LoadInst *seen : polls_of(function))
    polled.push_back(seen->getParent());
  const auto polls_in_each_round = [&](const Loop &loop) {
    SmallVector<BasicBlock *, 8> latches;
    loop.getLoopLatches(latches);
    return any_of(polled, [&](const BasicBlock *block) {
      return loop.contains(block) &&
             all_of(latches, [&](const BasicBlock *latch) { return dominators.dominates(block, latch); });
    });
  };
  SmallVector<BasicBlock *, 8> places;
  const SmallVector<Loop *, 4> outer_first = loops.getLoopsInPreorder();
  for (Loop *loop : reverse(outer_first))
    if (!loop->getHeader()->isEHPad() && !polls_in_each_round(*loop)) {
      places.push_back(block_going_back(*loop, dominators, loops));
      polled.push_back(places.back());
    }
  for (BasicBlock *block : places)
    insert_poll(block->getTerminator()->getIterator(), poll, word, loops);
}

bool calls_something(const Function &function) {
  return any_of(instructions(function), [](const Instruction &instruction) {
    return isa<CallBase>(instruction) && !isa<IntrinsicInst>(instruction);
  });
}

/// Behind what the entry block says about local objects, which has to stay there.
void insert_entry_poll(Function &function, FunctionCallee poll, GlobalVariable &word) {
  DominatorTree dominators(function);
  LoopInfo loops(dominators);
  BasicBlock &entry = function.getEntryBlock();
  auto place = entry.getFirstNonPHIOrDbgOrAlloca();
  for (auto at = place; at != entry.end(); ++at)
    if (is_object_frame(&*at) || is_object_address(&*at) || as_object_operation(&*at, object_expose))
      place = std::next(at);
  insert_poll(place, poll, word, loops);
}

} // namespace

bool is_loop_poll(const CallBase &call) {
  const Function *callee = call.getCalledFunction();
  return callee && callee->getName() == loop_poll_callee;
}

bool is_poll_word(const Value &address) {
  return isa<GlobalVariable>(address) &&
         (address.getName() == poll_word_name || address.getName() == baseline_word_name);
}

SmallVector<LoadInst *, 8> polls_of(Function &function) {
  SmallVector<LoadInst *, 8> polls;
  for (Instruction &instruction : instructions(function))
    if (auto *load = dyn_cast<LoadInst>(&instruction); load && is_poll_word(*load->getPointerOperand()))
      polls.push_back(load);
  return polls;
}

void insert_loop_polls(Function &function, InlinedCalls &calls) {
  if (!has_cycle(function))
    return;
  FunctionCallee poll = declare_poll(*function.getParent());
  GlobalVariable &word = *declare_poll_word(*function.getParent(), poll_word_name);
  LoopAnalyses analyses(function);
  PollPlaces places = find_poll_places(function, analyses.loops, analyses.counts, calls);
  for (Loop *loop : places.loops)
    if (!loop->getLoopLatch())
      join_latches(*loop, analyses.dominators, analyses.loops);
  for (Loop *loop : places.loops)
    insert_poll(place_in(*loop->getLoopLatch()), poll, word, analyses.loops);
  for (const auto &[end, next] : places.ends_of_rounds)
    insert_poll(place_at_end_of_round(*end, *next, analyses), poll, word, analyses.loops);
  for (BasicBlock *header : places.headers)
    insert_poll(header->getFirstInsertionPt(), poll, word, analyses.loops);
}

void insert_polls_everywhere(Function &function) {
  FunctionCallee poll = declare_poll(*function.getParent());
  GlobalVariable &word = *declare_poll_word(*function.getParent(), poll_word_name);
  const bool calls = calls_something(function);
  insert_missing_polls(function, poll, word);
  if (calls)
    insert_entry_poll(function, poll, word);
}

void insert_baseline_polls(Function &function) {
  FunctionCallee poll = declare_poll(*function.getParent());
  insert_missing_polls(function, poll, *declare_poll_word(*function.getParent(), baseline_word_name));
}

/// The calls are left behind branches that are never taken.
void drop_baseline_polls(Module &module) {
  GlobalVariable *word = module.getGlobalVariable(baseline_word_name);
  if (!word)
    return;
  for (User *user : make_early_inc_range(word->users())) {
    auto *load = cast<LoadInst>(user);
    load->replaceAllUsesWith(ConstantInt::get(load->getType(), 0));
    load->eraseFromParent();
  }
  word->eraseFromParent();
}

void lower_poll_word(Module &module, std::int64_t tls_offset) {
  Constant *offset = ConstantInt::get(Type::getInt64Ty(module.getContext()), tls_offset);
  for (const char *name : {poll_word_name, baseline_word_name})
    if (GlobalVariable *word = module.getGlobalVariable(name)) {
      word->replaceAllUsesWith(ConstantExpr::getIntToPtr(offset, word->getType()));
      word->eraseFromParent();
    }
}

} // namespace osr
