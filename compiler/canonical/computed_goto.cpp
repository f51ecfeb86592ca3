#include "compiler/canonical/computed_goto.h"

#include "compiler/base/error.h"

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/SmallPtrSet.h>
#include <llvm/Analysis/ConstantFolding.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>

using namespace llvm;

namespace osr {
namespace {

constexpr const char *computed_goto_mark = "osr.computed.goto"; ///< on a switch

using BlockNumbers = DenseMap<const BasicBlock *, std::uint64_t>;

bool reaches_assembly(const Constant &constant, SmallPtrSetImpl<const User *> &seen) {
  for (const User *user : constant.users()) {
    if (const auto *call = dyn_cast<CallBase>(user); call && call->isInlineAsm())
      return true;
    const auto *outer = dyn_cast<Constant>(user);
    if (outer && !isa<GlobalValue>(outer) && seen.insert(outer).second && reaches_assembly(*outer, seen))
      return true;
  }
  return false;
}

Expected<BlockNumbers> number_blocks(Function &function) {
  BlockNumbers numbers;
  for (BasicBlock &block : function) {
    BlockAddress *address = BlockAddress::lookup(&block);
    if (!address)
      continue;
    SmallPtrSet<const User *, 8> seen;
    if (reaches_assembly(*address, seen))
      return make_error("function '{}' gives the address of a label to inline assembly; use asm goto instead",
                        function.getName().str());
    std::uint64_t number = numbers.size() + 1; // never 0: a label's address is not null
    numbers[&block] = number;
    Type *i64 = Type::getInt64Ty(function.getContext());
    address->replaceAllUsesWith(ConstantExpr::getIntToPtr(ConstantInt::get(i64, number), address->getType()));
    address->destroyConstant();
  }
  return numbers;
}

void expand(IndirectBrInst &branch, const BlockNumbers &numbers) {
  BasicBlock *block = branch.getParent();
  LLVMContext &context = block->getContext();
  SmallVector<BasicBlock *, 16> targets;
  SmallPtrSet<BasicBlock *, 16> seen;
  for (unsigned i = 0; i < branch.getNumDestinations(); ++i) {
    BasicBlock *target = branch.getDestination(i);
    if (numbers.contains(target) && seen.insert(target).second)
      targets.push_back(target);
    else // an edge less, and a phi has one entry per edge
      target->removePredecessor(block, /*KeepOneInputPHIs=*/true);
  }
  auto *nowhere = BasicBlock::Create(context, "no.such.label", block->getParent());
  new UnreachableInst(context, nowhere);
  auto *i64 = Type::getInt64Ty(context);
  Value *number = new PtrToIntInst(branch.getAddress(), i64, "label", branch.getIterator());
  SwitchInst *jump = SwitchInst::Create(number, nowhere, targets.size(), branch.getIterator());
  jump->setMetadata(computed_goto_mark, MDNode::get(context, {}));
  for (BasicBlock *target : targets)
    jump->addCase(cast<ConstantInt>(ConstantInt::get(i64, numbers.lookup(target))), target);
  branch.eraseFromParent();
}

/// Tables of label differences are numbers now; later steps need not compute them again and again.
void fold_tables(Module &module) {
  for (GlobalVariable &variable : module.globals())
    if (variable.hasInitializer())
      variable.setInitializer(ConstantFoldConstant(variable.getInitializer(), module.getDataLayout()));
}

/// The numbers of a function are 1, 2, ...; what is inlined may bring more of them.
constexpr std::uint64_t max_table_size = 1024;

bool can_be_restored(const SwitchInst &jump) {
  if (!is_computed_goto(jump) || jump.getNumCases() == 0 ||
      !isa<UnreachableInst>(jump.getDefaultDest()->getFirstNonPHIOrDbg()))
    return false;
  return all_of(jump.cases(), [](const auto &one) { return one.getCaseValue()->getValue().ult(max_table_size); });
}

/// Addresses of blocks by number. No jump uses the gaps.
GlobalVariable *create_table(SwitchInst &jump) {
  Function &function = *jump.getFunction();
  std::uint64_t size = 0;
  for (const auto &one : jump.cases())
    size = std::max(size, one.getCaseValue()->getZExtValue() + 1);
  std::vector<Constant *> targets(size, ConstantPointerNull::get(PointerType::getUnqual(function.getContext())));
  for (const auto &one : jump.cases())
    targets[one.getCaseValue()->getZExtValue()] = BlockAddress::get(&function, one.getCaseSuccessor());
  auto *type = ArrayType::get(PointerType::getUnqual(function.getContext()), size);
  return new GlobalVariable(*function.getParent(), type, /*isConstant=*/true, GlobalValue::PrivateLinkage,
                            ConstantArray::get(type, targets), "goto.table");
}

void restore(SwitchInst &jump) {
  GlobalVariable *table = create_table(jump);
  IRBuilder<> builder(&jump);
  Value *number = builder.CreateZExt(jump.getCondition(), builder.getInt64Ty());
  Value *slot = builder.CreateInBoundsGEP(table->getValueType(), table, {builder.getInt64(0), number});
  IndirectBrInst *branch = builder.CreateIndirectBr(builder.CreateLoad(builder.getPtrTy(), slot), jump.getNumCases());
  SmallPtrSet<BasicBlock *, 16> seen;
  for (unsigned i = 0; i < jump.getNumSuccessors(); ++i) {
    BasicBlock *target = jump.getSuccessor(i);
    if (target != jump.getDefaultDest() && seen.insert(target).second)
      branch->addDestination(target);
    else // an edge less, and a phi has one entry per edge
      target->removePredecessor(jump.getParent(), /*KeepOneInputPHIs=*/true);
  }
  jump.eraseFromParent();
}

} // namespace

bool is_computed_goto(const Instruction &terminator) {
  return isa<SwitchInst>(terminator) && terminator.hasMetadata(computed_goto_mark);
}

void restore_computed_goto(Function &function) {
  for (BasicBlock &block : function)
    if (auto *jump = dyn_cast<SwitchInst>(block.getTerminator()); jump && can_be_restored(*jump))
      restore(*jump);
}

Error expand_computed_goto(Module &module) {
  bool any = false;
  for (Function &function : module) {
    auto numbers = number_blocks(function);
    if (!numbers)
      return numbers.takeError();
    any |= !numbers->empty();
    SmallVector<IndirectBrInst *, 4> branches;
    for (BasicBlock &block : function)
      if (auto *branch = dyn_cast<IndirectBrInst>(block.getTerminator()))
        branches.push_back(branch);
    for (IndirectBrInst *branch : branches)
      expand(*branch, *numbers);
  }
  if (any)
    fold_tables(module);
  return Error::success();
}

} // namespace osr
