#include "compiler/sites/profile_points.h"

#include "compiler/canonical/exit_calls.h"
#include "compiler/sites/loop_polls.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>

#include <cstddef>

using namespace llvm;

namespace osr {
namespace {

bool begins_with_exit(const BasicBlock &block) {
  const auto *call = dyn_cast<CallInst>(&*block.getFirstNonPHIIt());
  return call && is_guard_failed(*call);
}

bool asks_for_poll(const Value &condition) {
  const auto *compare = dyn_cast<ICmpInst>(&condition);
  const auto *load = compare ? dyn_cast<LoadInst>(compare->getOperand(0)) : nullptr;
  return load && is_poll_word(*load->getPointerOperand());
}

bool is_worth_counting(const BranchInst &branch) {
  return branch.isConditional() && !isa<Constant>(branch.getCondition()) && !asks_for_poll(*branch.getCondition()) &&
         branch.getSuccessor(0) != branch.getSuccessor(1) && !begins_with_exit(*branch.getSuccessor(0)) &&
         !begins_with_exit(*branch.getSuccessor(1));
}

bool is_worth_counting(const CallBase &call) {
  return call.isIndirectCall() && !call.isInlineAsm() && !call.isMustTailCall() && !call.hasOperandBundles();
}

/// Declared as touching nothing that the program sees; it must not be merged, moved or forgotten.
FunctionCallee declare_point(Module &module, StringRef name, Type *asked) {
  LLVMContext &context = module.getContext();
  auto *type = FunctionType::get(Type::getInt1Ty(context), {Type::getInt64Ty(context), asked}, false);
  FunctionCallee callee = module.getOrInsertFunction(name, type);
  auto *function = cast<Function>(callee.getCallee());
  function->setMemoryEffects(MemoryEffects::inaccessibleMemOnly());
  for (Attribute::AttrKind kind :
       {Attribute::NoUnwind, Attribute::WillReturn, Attribute::NoFree, Attribute::NoCallback})
    function->addFnAttr(kind);
  return callee;
}

class Inserter {
public:
  explicit Inserter(Module &module) : module_(module) {
    LLVMContext &context = module.getContext();
    branch_ = declare_point(module, profile_branch, Type::getInt1Ty(context));
    target_ = declare_point(module, profile_target, PointerType::getUnqual(context));
    guard_failed_ = declare_guard_failed(module);
  }

  void insert(Instruction &before, Value &asked, ExitReason reason) {
    IRBuilder<> builder(&before);
    CallInst *due = builder.CreateCall(reason == ExitReason::Branch ? branch_ : target_,
                                       {builder.getInt64(count_++), &asked}, "due");
    due->addFnAttr(Attribute::NoMerge);
    MDNode *weights = MDBuilder(module_.getContext()).createUnlikelyBranchWeights();
    Instruction *end = SplitBlockAndInsertIfThen(due, before.getIterator(), /*Unreachable=*/false, weights);
    builder.SetInsertPoint(end);
    builder.CreateCall(guard_failed_, builder.getInt32(std::uint32_t(reason)))->addFnAttr(Attribute::NoMerge);
    BasicBlock *block = end->getParent();
    block->moveAfter(&block->getParent()->back());
  }

  std::uint64_t count() const { return count_; }

private:
  Module &module_;
  FunctionCallee branch_, target_, guard_failed_;
  std::uint64_t count_ = 0;
};

void insert_points(Function &function, Inserter &inserter) {
  SmallVector<BranchInst *, 32> branches;
  SmallVector<CallBase *, 8> calls;
  for (Instruction &instruction : instructions(function))
    if (auto *branch = dyn_cast<BranchInst>(&instruction); branch && is_worth_counting(*branch))
      branches.push_back(branch);
    else if (auto *call = dyn_cast<CallBase>(&instruction); call && is_worth_counting(*call))
      calls.push_back(call);
  for (BranchInst *branch : branches)
    inserter.insert(*branch, *branch->getCondition(), ExitReason::Branch);
  for (CallBase *call : calls)
    inserter.insert(*call, *call->getCalledOperand(), ExitReason::Target);
}

/// Adds one to `counts[which]`; true if that is 0 then.
Value *count(IRBuilder<> &builder, Value *counts, Value *which) {
  Type *number = builder.getInt32Ty();
  Value *place = builder.CreateGEP(number, counts, builder.CreateZExt(which, builder.getInt64Ty()));
  LoadInst *before = builder.CreateAlignedLoad(number, place, Align(4));
  before->setAtomic(AtomicOrdering::Unordered);
  Value *after = builder.CreateAdd(before, builder.getInt32(1));
  builder.CreateAlignedStore(after, place, Align(4))->setAtomic(AtomicOrdering::Unordered);
  return builder.CreateICmpEQ(after, builder.getInt32(0));
}

Value *lower(CallInst &point, std::uint64_t points) {
  IRBuilder<> builder(&point);
  const std::uint64_t address = points + profile_point(point) * sizeof(ProfilePoint);
  auto pointer_to = [&](std::uint64_t field) {
    return builder.CreateIntToPtr(builder.getInt64(address + field), builder.getPtrTy());
  };
  Value *counts = pointer_to(offsetof(ProfilePoint, counts));
  Value *asked = point.getArgOperand(1);
  if (point.getCalledFunction()->getName() == profile_branch)
    return count(builder, counts, asked);
  Value *place = pointer_to(offsetof(ProfilePoint, first_target));
  LoadInst *seen = builder.CreateAlignedLoad(asked->getType(), place, Align(8));
  seen->setAtomic(AtomicOrdering::Unordered);
  Value *first = builder.CreateSelect(builder.CreateIsNull(seen), asked, seen);
  builder.CreateAlignedStore(first, place, Align(8))->setAtomic(AtomicOrdering::Unordered);
  return count(builder, counts, builder.CreateICmpEQ(first, asked));
}

} // namespace

bool is_profile_point(const CallInst &call) {
  const Function *callee = call.getCalledFunction();
  return callee && (callee->getName() == profile_branch || callee->getName() == profile_target);
}

std::uint64_t profile_point(const CallInst &call) { return cast<ConstantInt>(call.getArgOperand(0))->getZExtValue(); }

const CallInst *guard_of_point(const CallInst &point) {
  for (const User *user : point.users())
    if (const auto *branch = dyn_cast<BranchInst>(user); branch && branch->isConditional())
      if (begins_with_exit(*branch->getSuccessor(0)))
        return cast<CallInst>(&*branch->getSuccessor(0)->getFirstNonPHIIt());
  return nullptr;
}

std::uint64_t insert_profile_points(CanonicalProgram &program) {
  Inserter inserter(*program.module);
  for (const FunctionInfo &info : program.functions)
    if (info.pinned == PinReason::None)
      insert_points(*program.module->getFunction(info.name), inserter);
  return inserter.count();
}

void lower_profile_points(Module &module, std::uint64_t points) {
  for (Function &function : module)
    for (Instruction &instruction : make_early_inc_range(instructions(function)))
      if (auto *call = dyn_cast<CallInst>(&instruction); call && is_profile_point(*call)) {
        call->replaceAllUsesWith(lower(*call, points));
        call->eraseFromParent();
      }
}

} // namespace osr
