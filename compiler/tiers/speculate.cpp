#include "compiler/tiers/speculate.h"

#include "compiler/canonical/exit_calls.h"
#include "compiler/sites/frame_chain.h"
#include "compiler/sites/number_sites.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/Transforms/Utils/Local.h>

#include <atomic>

using namespace llvm;

namespace osr {
namespace {

constexpr std::uint64_t enough = 100; ///< executions of a point that say something

std::uint32_t load(const std::uint32_t &count) {
  return std::atomic_ref(const_cast<std::uint32_t &>(count)).load(std::memory_order_relaxed);
}

BranchInst *branch_of(CallInst &point) {
  for (User *user : point.users())
    if (auto *branch = dyn_cast<BranchInst>(user))
      return branch;
  return nullptr;
}

/// The call by pointer that the point stands in front of.
CallBase *call_behind(CallInst &point) {
  BranchInst *branch = branch_of(point);
  for (Instruction &instruction : *branch->getSuccessor(1))
    if (auto *call = dyn_cast<CallBase>(&instruction); call && call->getCalledOperand() == point.getArgOperand(1))
      return call;
  return nullptr;
}

class Speculation {
public:
  Speculation(Module &module, const CanonicalProgram &program, const Assumptions *assumptions, const Profile *profile,
              SpeculativeCalls &calls)
      : module_(module), program_(program), assumptions_(assumptions), profile_(profile), calls_(calls) {}

  /// When control leaves at this point.
  Value *condition(CallInst &point) {
    IRBuilder<> builder(&point);
    if (!may_leave(point))
      return builder.getFalse();
    Value *asked = point.getArgOperand(1);
    if (point.getCalledFunction()->getName() == profile_target)
      return call_directly(point, builder);
    switch (profile_->seen(point)) {
    case Profile::Seen::Little:
    case Profile::Seen::Both: break;
    case Profile::Seen::OnlyTrue: return builder.CreateNot(asked);
    case Profile::Seen::OnlyFalse: return asked;
    }
    return builder.getFalse();
  }

private:
  bool may_leave(const CallInst &point) const {
    const CallInst *guard = guard_of_point(point);
    if (!assumptions_ || !profile_ || !guard || !guard->getOperandBundle(LLVMContext::OB_deopt))
      return false;
    return assumptions_->holds(cantFail(read_frame_chain(*guard, program_)).back().site->id);
  }

  Value *call_directly(CallInst &point, IRBuilder<> &builder) {
    const Function *target = profile_->only_target(point);
    CallBase *call = call_behind(point);
    if (!target || !call || target->getFunctionType() != call->getFunctionType() ||
        target->getCallingConv() != call->getCallingConv())
      return builder.getFalse();
    Function *here = module_.getFunction(target->getName());
    if (!here) {
      here = Function::Create(target->getFunctionType(), GlobalValue::ExternalLinkage, target->getName(), module_);
      here->copyAttributesFrom(target);
    }
    calls_[function_id(*target)].insert(function_id(*point.getFunction()));
    call->setCalledOperand(here);
    return builder.CreateICmpNE(point.getArgOperand(1), here);
  }

  Module &module_;
  const CanonicalProgram &program_;
  const Assumptions *assumptions_;
  const Profile *profile_;
  SpeculativeCalls &calls_;
};

} // namespace

Profile::Seen Profile::seen(const CallInst &point) const {
  const ProfilePoint &counted = points_[profile_point(point)];
  const std::uint64_t no = load(counted.counts[0]), yes = load(counted.counts[1]);
  if (no + yes < enough)
    return Seen::Little;
  return no == 0 ? Seen::OnlyTrue : yes == 0 ? Seen::OnlyFalse : Seen::Both;
}

const Function *Profile::only_target(const CallInst &point) const {
  return seen(point) == Seen::OnlyTrue ? function_at_(points_[profile_point(point)].first_target) : nullptr;
}

void speculate(Module &module, const CanonicalProgram &program, const Assumptions *assumptions, const Profile *profile,
               SpeculativeCalls &calls) {
  Speculation speculation(module, program, assumptions, profile, calls);
  for (Function &function : module) {
    std::vector<CallInst *> points;
    for (Instruction &instruction : instructions(function))
      if (auto *call = dyn_cast<CallInst>(&instruction); call && is_profile_point(*call))
        points.push_back(call);
    for (CallInst *point : points) {
      Value *leaves = speculation.condition(*point);
      BasicBlock &block = *point->getParent();
      point->replaceAllUsesWith(leaves);
      point->eraseFromParent();
      ConstantFoldTerminator(&block, /*DeleteDeadConditions=*/true);
    }
    if (!points.empty())
      removeUnreachableBlocks(function);
  }
}

} // namespace osr
