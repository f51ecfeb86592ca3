#include "compiler/canonical/guard_frame.h"

#include "compiler/canonical/find_pinned.h"
#include "compiler/canonical/objects.h"
#include "osr-stubs/frame_words.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/IntrinsicInst.h>

using namespace llvm;

namespace osr {
namespace {

constexpr std::uint64_t frame_align = call_alignment;

/// The places right after which control may be coming from a newer frame that never returned: from a handler that has
/// interrupted a stub, for example, whose state buffer nobody takes any more.
SmallVector<Instruction *, 4> find_returns_from_afar(Function &function) {
  SmallVector<Instruction *, 4> places;
  for (BasicBlock &block : function)
    for (Instruction &instruction : block) {
      auto *call = dyn_cast<CallBase>(&instruction);
      if (call && may_return_twice(*call))
        if (auto next = call->getInsertionPointAfterDef())
          places.push_back(&**next);
    }
  return places;
}

void restore_top(Function &function) {
  SmallVector<Instruction *, 4> places = find_returns_from_afar(function);
  if (places.empty())
    return;
  Module &module = *function.getParent();
  BasicBlock &entry = function.getEntryBlock();
  IRBuilder<> builder(&entry, entry.getFirstInsertionPt());
  AllocaInst *slot = builder.CreateAlloca(builder.getPtrTy(), nullptr, "buffers.top");
  builder.SetInsertPointPastAllocas(&function);
  Value *top = builder.CreateCall(declare_object_operation(module, buffers_save), {});
  // Volatile: a value in a register would be the one that setjmp's caller had, or lost.
  builder.CreateStore(top, slot, /*isVolatile=*/true);
  for (Instruction *place : places) {
    builder.SetInsertPoint(place);
    Value *saved = builder.CreateLoad(builder.getPtrTy(), slot, /*isVolatile=*/true);
    builder.CreateCall(declare_object_operation(module, buffers_restore), {saved});
  }
}

void align_by_hand(AllocaInst &object) {
  const DataLayout &layout = object.getDataLayout();
  std::uint64_t size = object.getAllocationSize(layout)->getFixedValue(), align = object.getAlign().value();
  for (User *user : make_early_inc_range(object.users()))
    if (auto *intrinsic = dyn_cast<IntrinsicInst>(user); intrinsic && intrinsic->isLifetimeStartOrEnd())
      intrinsic->eraseFromParent();
  IRBuilder<> builder(&object);
  auto *room = builder.CreateAlloca(builder.getInt8Ty(), builder.getInt64(size + align - frame_align),
                                    object.getName() + ".room");
  room->setAlignment(Align(frame_align));
  // Right here: nobody has said that the other objects stand in front.
  Value *past = builder.CreatePtrAdd(room, builder.getInt64(align - frame_align));
  Value *aligned = builder.CreateIntrinsic(Intrinsic::ptrmask, {builder.getPtrTy(), builder.getInt64Ty()},
                                           {past, builder.getInt64(-align)});
  aligned->takeName(&object);
  object.replaceAllUsesWith(aligned);
  object.eraseFromParent();
}

} // namespace

void guard_frame(Function &function) {
  if (function.hasFnAttribute(Attribute::Naked))
    return;
  SmallVector<AllocaInst *, 4> over_aligned;
  for (Instruction &instruction : function.getEntryBlock())
    if (auto *object = dyn_cast<AllocaInst>(&instruction))
      if (object->isStaticAlloca() && object->getAlign().value() > frame_align && !object->isSwiftError())
        over_aligned.push_back(object);
  for (AllocaInst *object : over_aligned)
    align_by_hand(*object);
  restore_top(function);
}

} // namespace osr
