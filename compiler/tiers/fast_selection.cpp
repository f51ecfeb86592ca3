#include "compiler/tiers/fast_selection.h"

#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>

using namespace llvm;

namespace osr {
namespace {

/// An object that is an error's register has no memory. The fast selector forgets that where an instruction could read the
/// object as its memory operand, which it does with loads of one use.
void keep_error_load(LoadInst &load) {
  if (load.getPointerOperand()->isSwiftError() && load.hasOneUse())
    new FreezeInst(&load, "", std::next(load.getIterator())); // which nobody reads
}

/// No call is made that writes no memory and whose result nobody reads. The selector does not ask whether the callee returns: a loop
/// that waits for a signal is a function that touches no memory.
void keep_call(CallBase &call) {
  if (isa<IntrinsicInst>(call) || call.mayWriteToMemory() || !call.mayHaveSideEffects())
    return;
  call.removeFnAttr(Attribute::Memory);
  if (Function *callee = call.getCalledFunction())
    callee->removeFnAttr(Attribute::Memory);
}

} // namespace

void keep_from_fast_selection(Function &function) {
  for (Instruction &instruction : instructions(function)) {
    if (auto *load = dyn_cast<LoadInst>(&instruction))
      keep_error_load(*load);
    else if (auto *call = dyn_cast<CallBase>(&instruction))
      keep_call(*call);
  }
}

} // namespace osr
