#include "compiler/tiers/code_needs.h"

#include "compiler/canonical/frame_state_bundle.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/CFG.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>

using namespace llvm;

namespace osr {
namespace {

bool is_record(const User &user) {
  const auto *intrinsic = dyn_cast<IntrinsicInst>(&user);
  return intrinsic && intrinsic->getIntrinsicID() == Intrinsic::experimental_stackmap;
}

/// Also by a value that was widened for a record.
bool is_for_a_record(const Use &use) {
  const User &user = *use.getUser();
  return is_in_frame_state(use) || is_record(user) ||
         (isa<ZExtInst>(user) && !user.use_empty() &&
          all_of(user.users(), [](const User *each) { return is_record(*each); }));
}

} // namespace

/// From each use backward to the definition. What a phi takes is used at the end of the block that it comes from.
CodeNeeds::Blocks CodeNeeds::blocks_that_pass_on(const Value &value) const {
  const auto *definition = dyn_cast<Instruction>(&value);
  const BasicBlock *begin = definition ? definition->getParent() : &function_.getEntryBlock();
  Blocks result, entered;
  SmallVector<const BasicBlock *, 16> work;
  const auto enter = [&](const BasicBlock *block) {
    if (block != begin && entered.insert(block).second)
      work.push_back(block);
  };
  for (const Use &use : value.uses()) {
    if (is_for_a_record(use))
      continue;
    const auto *user = cast<Instruction>(use.getUser());
    const auto *phi = dyn_cast<PHINode>(user);
    if (phi)
      result.insert(phi->getIncomingBlock(use));
    enter(phi ? phi->getIncomingBlock(use) : user->getParent());
  }
  while (!work.empty())
    for (const BasicBlock *predecessor : predecessors(work.pop_back_val())) {
      result.insert(predecessor);
      enter(predecessor);
    }
  return result;
}

bool CodeNeeds::has_use_behind(const Value &value, const CallBase &call) {
  auto known = passed_on_.find(&value);
  if (known == passed_on_.end())
    known = passed_on_.insert({&value, blocks_that_pass_on(value)}).first;
  if (known->second.contains(call.getParent()))
    return true;
  return any_of(value.uses(), [&](const Use &use) {
    const auto *user = cast<Instruction>(use.getUser());
    return user->getParent() == call.getParent() && !isa<PHINode>(user) && call.comesBefore(user) &&
           !is_for_a_record(use);
  });
}

} // namespace osr
