#include "compiler/tiers/speculate.h"

#include "compiler/canonical/exit_calls.h"
#include "compiler/canonical/frame_state_bundle.h"
#include "compiler/sites/frame_chain.h"
#include "compiler/sites/number_sites.h"
#include "compiler/tiers/inline_candidates.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/Transforms/Utils/CallPromotionUtils.h>
#include <llvm/Transforms/Utils/Local.h>

using namespace llvm;

namespace osr {
namespace {

/// Before anything is inlined there is one frame.
SiteId site_of(const CallBase &call) {
  return SiteId::unpack(cast<ConstantInt>(frame_state_bundle(call)->Inputs.front())->getZExtValue());
}

/// A call of a function of the program.
bool is_direct(const CallBase &call) {
  return has_frame_state(call) && call.getCalledFunction() &&
         call.getCalledFunction()->hasFnAttribute(function_id_attribute);
}

class Speculation {
public:
  Speculation(Module &module, const SpeculationBasis &basis) : module_(module), basis_(basis) {}

  /// When control leaves at this point. Changes the call behind it.
  Value *condition(CallInst &point) {
    IRBuilder<> builder(&point);
    if (!basis_.profile)
      return builder.getFalse();
    if (counts_targets(point))
      return leaves_at_call(point, builder);
    const std::optional<bool> only = basis_.profile->only_condition(point);
    if (!only || !may_give_up(point, !*only) || !may_leave(point))
      return builder.getFalse();
    ++made_.branches;
    Value *asked = point.getArgOperand(1);
    return *only ? builder.CreateNot(asked) : asked;
  }

  Speculations made() const { return made_; }

private:
  bool may_leave(const CallInst &point) const {
    const CallInst *guard = guard_of_point(point);
    return basis_.assumptions && guard && has_frame_state(*guard) && basis_.assumptions->holds(site_of(*guard));
  }

  /// The function as this module calls it, if that is of use.
  Function *callable(const Function &target, const CallBase &call) const {
    Function *here = module_.getFunction(target.getName());
    if (!here || !may_be_inlined(*here) || target.getFunctionType() != call.getFunctionType() ||
        target.getCallingConv() != call.getCallingConv() || !isLegalToPromote(call, here))
      return nullptr;
    return here;
  }

  void remember(const CallInst &point, const Function &target) {
    (*basis_.calls)[function_id(target)].insert(function_id(*point.getFunction()));
  }

  Value *leaves_at_call(CallInst &point, IRBuilder<> &builder) {
    CallBase *call = call_behind(point);
    if (!call || !has_frame_state(*call))
      return builder.getFalse();
    const Profile::Targets targets = basis_.profile->targets(point);
    if (targets.is_single && may_leave(point)) {
      const Function &target = *targets.frequent.front().function;
      if (Function *here = callable(target, *call)) {
        remember(point, target);
        ++made_.single_calls;
        call->setCalledOperand(here);
        return builder.CreateICmpNE(point.getArgOperand(1), here);
      }
      return builder.getFalse();
    }
    test_for(targets, point, *call);
    return builder.getFalse();
  }

  void test_for(const Profile::Targets &targets, const CallInst &point, CallBase &call) {
    bool is_first = true;
    std::uint32_t rest = targets.total;
    for (const Profile::Target &target : targets.frequent) {
      Function *here = callable(*target.function, call);
      if (!here)
        continue;
      rest -= target.count;
      remember(point, *target.function);
      promoteCallWithIfThenElse(call, here, MDBuilder(module_.getContext()).createBranchWeights(target.count, rest));
      made_.tested_calls += is_first;
      is_first = false;
    }
  }

  Module &module_;
  const SpeculationBasis &basis_;
  Speculations made_;
};

} // namespace

Speculations speculate(Module &module, const SpeculationBasis &basis) {
  Speculation speculation(module, basis);
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
  return speculation.made();
}

InlinedTargets::InlinedTargets(const Function &function, const CanonicalProgram &program) {
  for (const Instruction &instruction : instructions(function))
    if (const auto *call = dyn_cast<CallBase>(&instruction); call && is_direct(*call))
      if (const SiteId site = site_of(*call); program.functions[site.function].sites()[site.index].callee.empty())
        direct_.insert(site);
}

std::uint64_t InlinedTargets::count(const Function &optimized, const CanonicalProgram &program) const {
  std::multiset<SiteId> left = direct_;
  for (const Instruction &instruction : instructions(optimized))
    if (const auto *call = dyn_cast<CallBase>(&instruction); call && is_direct(*call))
      if (auto found = left.find(cantFail(read_frame_chain(*call, program)).back().site->id); found != left.end())
        left.erase(found);
  return left.size();
}

} // namespace osr
