// Slots for values that stack map operands do not carry.
#pragma once

#include <llvm/IR/Function.h>
#include <llvm/IR/InstrTypes.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/ValueHandle.h>
#include <llvm/IR/ValueMap.h>

#include <vector>

namespace osr {

/// Values that no operand can carry (i128, x86_fp80, vectors), or for which an attempt to anchor an operand has failed, wait
/// in a slot of their own, which the record names. Its address does not change between the call and the record, so such a
/// record can always be anchored.
class SpillSlots {
public:
  explicit SpillSlots(llvm::Function &function) : function_(function) {}

  /// The slot of `value`, made when it is first asked for. It has to hold the value during `call`.
  llvm::AllocaInst &slot_of(llvm::Value &value, llvm::CallBase &call);

  /// Emits the stores, once all calls are known: behind a value's definition, or where it is executed less often on the
  /// way to the calls. What an inner loop computes is stored behind the loop.
  void store_all();

private:
  // Calls are replaced by calls without frame states meanwhile, and are values too: handles follow them.
  struct Slot {
    llvm::WeakTrackingVH value;
    llvm::AllocaInst *slot = nullptr;
    llvm::SmallVector<llvm::WeakTrackingVH, 2> calls;
  };

  llvm::Function &function_;
  llvm::ValueMap<llvm::Value *, std::size_t> index_;
  std::vector<Slot> slots_;
};

} // namespace osr
