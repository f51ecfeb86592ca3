#include "compiler/sites/profile_points.h"

#include "compiler/canonical/exit_calls.h"
#include "compiler/sites/profile_places.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <limits>

using namespace llvm;

namespace osr {
namespace {

/// Declared as touching nothing that the program sees; it must not be merged, moved or forgotten.
FunctionCallee declare_point(Module &module, StringRef name, ArrayRef<Type *> asked) {
  LLVMContext &context = module.getContext();
  SmallVector<Type *, 4> types{Type::getInt32Ty(context)};
  append_range(types, asked);
  FunctionCallee callee =
      module.getOrInsertFunction(name, FunctionType::get(Type::getInt1Ty(context), types, /*isVarArg=*/false));
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
    Type *bit = Type::getInt1Ty(module.getContext());
    branch_ = declare_point(module, profile_branch, {bit, bit, bit});
    target_ = declare_point(module, profile_target, PointerType::getUnqual(module.getContext()));
    guard_failed_ = declare_guard_failed(module);
  }

  std::uint32_t insert(Function &function) {
    count_ = 0;
    const ProfilePlaces places = find_profile_places(function);
    for (const CountedBranch &counted : places.branches) {
      IRBuilder<> builder(counted.branch);
      Value *asked[] = {builder.getInt32(count_++), counted.branch->getCondition(),
                        builder.getInt1(counted.may_give_up[0]), builder.getInt1(counted.may_give_up[1])};
      exit_at(*builder.CreateCall(branch_, asked, "due"), ExitReason::Branch);
    }
    for (CallBase *call : places.calls) {
      IRBuilder<> builder(call);
      exit_at(*builder.CreateCall(target_, {builder.getInt32(count_++), call->getCalledOperand()}, "due"),
              ExitReason::Target);
    }
    return count_;
  }

private:
  void exit_at(CallInst &due, ExitReason reason) {
    due.addFnAttr(Attribute::NoMerge);
    MDNode *weights = MDBuilder(module_.getContext()).createUnlikelyBranchWeights();
    Instruction *end = SplitBlockAndInsertIfThen(&due, std::next(due.getIterator()), /*Unreachable=*/false, weights);
    IRBuilder<> builder(end);
    builder.CreateCall(guard_failed_, builder.getInt32(std::uint32_t(reason)))->addFnAttr(Attribute::NoMerge);
    BasicBlock *block = end->getParent();
    block->moveAfter(&block->getParent()->back());
  }

  Module &module_;
  FunctionCallee branch_, target_, guard_failed_;
  std::uint32_t count_ = 0;
};

const BranchInst *branch_of(const CallInst &point) {
  for (const User *user : point.users())
    if (const auto *branch = dyn_cast<BranchInst>(user))
      return branch;
  return nullptr;
}

Value *pointer_to(IRBuilder<> &builder, std::uint64_t address) {
  return builder.CreateIntToPtr(builder.getInt64(address), builder.getPtrTy());
}

/// Adds one to counts[which]; true if that is 0 then.
Value *count(IRBuilder<> &builder, std::uint64_t counts, Value *which) {
  Type *number = builder.getInt32Ty();
  Value *place = builder.CreateGEP(number, pointer_to(builder, counts), which);
  LoadInst *before = builder.CreateAlignedLoad(number, place, Align(4));
  before->setAtomic(AtomicOrdering::Unordered);
  Value *after = builder.CreateAdd(before, builder.getInt32(1));
  builder.CreateAlignedStore(after, place, Align(4))->setAtomic(AtomicOrdering::Unordered);
  return builder.CreateICmpEQ(after, builder.getInt32(0));
}

Value *count_branch(CallInst &point, std::uint64_t address) {
  IRBuilder<> builder(&point);
  return count(builder, address + offsetof(ProfilePoint, counts),
               builder.CreateZExt(point.getArgOperand(1), builder.getInt64Ty()));
}

/// A target that has a place is counted here: a call that is no site would keep requests away.
Value *count_call(CallInst &point, std::uint64_t address) {
  IRBuilder<> builder(&point);
  Value *due = count(builder, address + offsetof(ProfilePoint, total), builder.getInt64(0));
  Value *target = point.getArgOperand(1), *place = builder.getInt64(0), *is_known = builder.getFalse();
  for (unsigned i = 0; i < ProfilePoint::most_targets; ++i) {
    LoadInst *known = builder.CreateAlignedLoad(
        builder.getPtrTy(), pointer_to(builder, address + offsetof(ProfilePoint, targets) + i * 8), Align(8));
    known->setAtomic(AtomicOrdering::Unordered);
    Value *is_this = builder.CreateICmpEQ(known, target);
    place = builder.CreateSelect(is_this, builder.getInt64(i), place);
    is_known = builder.CreateOr(is_known, is_this);
  }
  Instruction *if_known = nullptr, *if_new = nullptr;
  SplitBlockAndInsertIfThenElse(is_known, point.getIterator(), &if_known, &if_new);
  builder.SetInsertPoint(if_known);
  count(builder, address + offsetof(ProfilePoint, counts), place);
  builder.SetInsertPoint(if_new);
  Type *pointer = builder.getPtrTy();
  FunctionCallee callee =
      point.getModule()->getOrInsertFunction(count_target_callee, builder.getVoidTy(), pointer, pointer);
  builder.CreateCall(callee, {pointer_to(builder, address), target})->addFnAttr(Attribute::NoUnwind);
  return due;
}

} // namespace

bool is_profile_point(const CallInst &call) {
  const Function *callee = call.getCalledFunction();
  return callee && (callee->getName() == profile_branch || callee->getName() == profile_target);
}

bool counts_targets(const CallInst &point) { return point.getCalledFunction()->getName() == profile_target; }

std::uint32_t profile_point(const CallInst &point) {
  return std::uint32_t(cast<ConstantInt>(point.getArgOperand(0))->getZExtValue());
}

bool may_give_up(const CallInst &point, bool condition) {
  return !cast<ConstantInt>(point.getArgOperand(condition ? 3 : 2))->isZero();
}

const CallInst *guard_of_point(const CallInst &point) {
  const BranchInst *branch = branch_of(point);
  const auto *call = branch ? dyn_cast<CallInst>(&*branch->getSuccessor(0)->getFirstNonPHIIt()) : nullptr;
  return call && is_guard_failed(*call) ? call : nullptr;
}

CallBase *call_behind(const CallInst &point) {
  if (const BranchInst *branch = branch_of(point))
    for (Instruction &instruction : *branch->getSuccessor(1))
      if (auto *call = dyn_cast<CallBase>(&instruction); call && call->getCalledOperand() == point.getArgOperand(1))
        return call;
  return nullptr;
}

std::uint32_t insert_profile_points(Function &function) { return Inserter(*function.getParent()).insert(function); }

void lower_profile_points(Function &function, std::uint64_t points) {
  SmallVector<CallInst *, 16> found;
  for (Instruction &instruction : instructions(function))
    if (auto *call = dyn_cast<CallInst>(&instruction); call && is_profile_point(*call))
      found.push_back(call);
  for (CallInst *point : found) {
    const std::uint64_t address = points + profile_point(*point) * sizeof(ProfilePoint);
    point->replaceAllUsesWith(counts_targets(*point) ? count_call(*point, address) : count_branch(*point, address));
    point->eraseFromParent();
  }
}

/// A target that has no place takes one from the rarest until that has none left: so what is frequent stays, and what was
/// frequent goes.
void count_new_target(ProfilePoint &point, std::uint64_t target) {
  const auto is_free = [](const std::uint64_t &place) { return place == 0; };
  const unsigned free = std::find_if(std::begin(point.targets), std::end(point.targets), is_free) - point.targets;
  const bool has_free = free != ProfilePoint::most_targets;
  const unsigned place =
      has_free ? free : std::min_element(std::begin(point.counts), std::end(point.counts)) - point.counts;
  std::atomic_ref count(point.counts[place]);
  const std::uint32_t before = has_free ? 0 : count.load(std::memory_order_relaxed);
  if (before <= 1)
    std::atomic_ref(point.targets[place]).store(target, std::memory_order_relaxed);
  count.store(before <= 1 ? 1 : before - 1, std::memory_order_relaxed);
}

} // namespace osr
