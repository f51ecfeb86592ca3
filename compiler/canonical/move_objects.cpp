#include "compiler/canonical/move_objects.h"

#include "compiler/base/check.h"
#include "compiler/canonical/object_stack.h"

#include <llvm/IR/IntrinsicInst.h>
#include <llvm/Support/MathExtras.h>

#include <algorithm>

using namespace llvm;

namespace osr {
namespace {

struct StaticObject {
  AllocaInst *alloca = nullptr;
  std::uint64_t size = 0;
  Align align;
  std::uint64_t offset = 0;
};

struct ObjectFrame {
  std::vector<StaticObject> objects;
  std::uint64_t size = 0; ///< a multiple of object_stack_align
  Align align{object_stack_align};
};

struct Found {
  std::vector<StaticObject> objects;
  SmallVector<AllocaInst *, 4> dynamic;
  SmallVector<IntrinsicInst *, 4> saves;
  SmallVector<IntrinsicInst *, 4> restores;
  SmallVector<IntrinsicInst *, 8> lifetimes;
};

void note_intrinsic(IntrinsicInst &intrinsic, Found &found) {
  switch (intrinsic.getIntrinsicID()) {
  case Intrinsic::stacksave: found.saves.push_back(&intrinsic); break;
  case Intrinsic::stackrestore: found.restores.push_back(&intrinsic); break;
  case Intrinsic::lifetime_start:
  case Intrinsic::lifetime_end: found.lifetimes.push_back(&intrinsic); break;
  default: break;
  }
}

Found find_objects(Function &function) {
  Found found;
  const DataLayout &layout = function.getDataLayout();
  for (BasicBlock &block : function)
    for (Instruction &instruction : block) {
      if (auto *intrinsic = dyn_cast<IntrinsicInst>(&instruction))
        note_intrinsic(*intrinsic, found);
      auto *alloca = dyn_cast<AllocaInst>(&instruction);
      if (!alloca)
        continue;
      if (!alloca->isStaticAlloca()) {
        found.dynamic.push_back(alloca);
        continue;
      }
      std::uint64_t size = alloca->getAllocationSize(layout)->getFixedValue();
      found.objects.push_back({alloca, std::max<std::uint64_t>(size, 1), alloca->getAlign()}); // each has an address
    }
  return found;
}

ObjectFrame lay_out(std::vector<StaticObject> objects) {
  ObjectFrame frame;
  std::ranges::stable_sort(objects, std::ranges::greater{}, &StaticObject::align);
  if (!objects.empty())
    frame.align = std::max(frame.align, objects.front().align);
  std::uint64_t end = frame.align.value() > object_stack_align ? object_frame_link_size : 0;
  for (StaticObject &object : objects) {
    object.offset = alignTo(end, object.align);
    end = object.offset + object.size;
  }
  frame.size = alignTo(end, object_stack_align);
  frame.objects = std::move(objects);
  return frame;
}

class Mover {
public:
  Mover(Function &function, Found found)
      : function_(function), found_(std::move(found)), layout_(lay_out(std::move(found_.objects))) {}

  void run() {
    for (IntrinsicInst *lifetime : found_.lifetimes)
      lifetime->eraseFromParent();
    push();
    for (AllocaInst *alloca : found_.dynamic)
      move_dynamic(*alloca);
    for (IntrinsicInst *save : found_.saves)
      replace_by_call(*save, object_save, {});
    for (IntrinsicInst *restore : found_.restores)
      replace_by_call(*restore, object_restore, {restore->getArgOperand(0)});
    for (BasicBlock &block : function_) {
      drop_tail_marks(block);
      if (Instruction *exit = exit_of(block))
        pop(*exit);
    }
  }

private:
  Function *operation(const char *name) { return declare_object_operation(*function_.getParent(), name); }

  void push() {
    BasicBlock &entry = function_.getEntryBlock();
    IRBuilder<> builder(&entry, entry.getFirstInsertionPt());
    Value *size = builder.getInt64(layout_.size), *align = builder.getInt64(layout_.align.value());
    frame_ = builder.CreateCall(operation(object_push), {size, align}, "frame");
    SmallVector<CallInst *, 8> addresses; // all directly behind the push
    for (StaticObject &object : layout_.objects) {
      CallInst *address = builder.CreateCall(operation(object_address), {frame_, builder.getInt64(object.offset)});
      describe(*address, object.align, object.size);
      address->takeName(object.alloca);
      object.alloca->replaceAllUsesWith(address);
      addresses.push_back(address);
    }
    for (CallInst *address : addresses)
      builder.CreateCall(operation(object_expose), {address});
    for (StaticObject &object : layout_.objects)
      object.alloca->eraseFromParent();
  }

  /// `size` 0: unknown.
  static void describe(CallInst &address, Align align, std::uint64_t size) {
    LLVMContext &context = address.getContext();
    address.addRetAttr(Attribute::NoAlias);
    address.addRetAttr(Attribute::NonNull);
    address.addRetAttr(Attribute::NoUndef);
    address.addRetAttr(Attribute::getWithAlignment(context, align));
    if (size)
      address.addRetAttr(Attribute::getWithDereferenceableBytes(context, size));
  }

  void move_dynamic(AllocaInst &alloca) {
    IRBuilder<> builder(&alloca);
    const DataLayout &layout = function_.getDataLayout();
    std::uint64_t element = layout.getTypeAllocSize(alloca.getAllocatedType());
    Value *count = builder.CreateZExtOrTrunc(alloca.getArraySize(), builder.getInt64Ty());
    Value *bytes = element == 1 ? count : builder.CreateMul(count, builder.getInt64(element));
    Align align = std::max(alloca.getAlign(), Align(object_stack_align));
    CallInst *address = builder.CreateCall(operation(object_alloca), {bytes, builder.getInt64(align.value())});
    describe(*address, align, 0);
    address->takeName(&alloca);
    alloca.replaceAllUsesWith(address);
    alloca.eraseFromParent();
  }

  void replace_by_call(IntrinsicInst &old, const char *name, ArrayRef<Value *> arguments) {
    IRBuilder<> builder(&old);
    CallInst *call = builder.CreateCall(operation(name), arguments);
    if (!old.getType()->isVoidTy()) {
      call->takeName(&old);
      old.replaceAllUsesWith(call);
    }
    old.eraseFromParent();
  }

  /// "tail" promises that the callee touches no object of this function's frame. There is none now, and the object
  /// frame has to be popped after the call.
  static void drop_tail_marks(BasicBlock &block) {
    for (Instruction &instruction : block)
      if (auto *call = dyn_cast<CallInst>(&instruction); call && call->getTailCallKind() == CallInst::TCK_Tail)
        call->setTailCallKind(CallInst::TCK_None);
  }

  static Instruction *exit_of(BasicBlock &block) {
    if (CallInst *tail = block.getTerminatingMustTailCall())
      return tail;
    return dyn_cast<ReturnInst>(block.getTerminator());
  }

  void pop(Instruction &exit) {
    IRBuilder<> builder(&exit);
    Value *size = builder.getInt64(layout_.size), *align = builder.getInt64(layout_.align.value());
    builder.CreateCall(operation(object_pop), {frame_, size, align});
  }

  Function &function_;
  Found found_;
  ObjectFrame layout_;
  CallInst *frame_ = nullptr;
};

} // namespace

void move_objects(Function &function) {
  Found found = find_objects(function);
  bool any = !found.objects.empty() || !found.dynamic.empty() || !found.saves.empty() || !found.restores.empty();
  if (any)
    Mover(function, std::move(found)).run();
}

} // namespace osr
