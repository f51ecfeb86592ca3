#include "compiler/canonical/move_objects.h"

#include "compiler/base/check.h"
#include "compiler/canonical/objects.h"
#include "compiler/canonical/source_variables.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/Analysis/CFG.h>
#include <llvm/IR/CFG.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/InstIterator.h>
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
  bool is_placed = false; ///< somebody said where
  std::uint64_t end() const { return offset + size; }
};

struct ObjectFrame {
  std::vector<StaticObject> objects;
  std::uint64_t size = 0; ///< a multiple of object_frame_align
  Align align{object_frame_align};
};

struct Found {
  std::vector<StaticObject> objects;
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
      OSR_CHECK(alloca->isStaticAlloca(), "'{}' has an object of variable size, and is not pinned",
                function.getName().str());
      std::uint64_t size = alloca->getAllocationSize(layout)->getFixedValue();
      StaticObject &object = found.objects.emplace_back();
      object = {alloca, std::max<std::uint64_t>(size, 1), alloca->getAlign()}; // each has an address
      if (const MDNode *place = alloca->getMetadata(object_offset)) {
        object.is_placed = true;
        object.offset = mdconst::extract<ConstantInt>(place->getOperand(0))->getZExtValue();
      }
    }
  return found;
}

/// All others lie behind those that have a place. One that cannot have its place has none.
ObjectFrame lay_out(std::vector<StaticObject> objects) {
  ObjectFrame frame;
  std::ranges::stable_sort(objects, std::ranges::greater{}, &StaticObject::align);
  if (!objects.empty())
    frame.align = std::max(frame.align, objects.front().align);
  std::uint64_t end = 0;
  for (StaticObject &object : objects) {
    object.is_placed &=
        isAligned(object.align, object.offset) && none_of(objects, [&](const StaticObject &other) {
          return &other < &object && other.is_placed && other.offset < object.end() && object.offset < other.end();
        });
    if (object.is_placed)
      end = std::max(end, object.end());
  }
  for (StaticObject &object : objects) {
    if (object.is_placed)
      continue;
    object.offset = alignTo(end, object.align);
    end = object.end();
  }
  frame.size = alignTo(end, object_frame_align);
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
    for (IntrinsicInst *restore : found_.restores) // nothing has been allocated since
      restore->eraseFromParent();
    for (IntrinsicInst *save : found_.saves) {
      save->replaceAllUsesWith(Constant::getNullValue(save->getType()));
      save->eraseFromParent();
    }
    if (layout_.objects.empty())
      return;
    push();
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
      if (MDNode *id = object.alloca->getMetadata(LLVMContext::MD_DIAssignID)) // LLVM allows it at few instructions
        address->setMetadata(object_assignment, MDNode::get(address->getContext(), id));
      if (MDNode *variable = object.alloca->getMetadata(object_variable))
        address->setMetadata(object_variable, variable);
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
    builder.CreateCall(operation(object_pop), {frame_});
  }

  Function &function_;
  Found found_;
  ObjectFrame layout_;
  CallInst *frame_ = nullptr;
};

bool is_in_cycle(BasicBlock &block) {
  SmallVector<BasicBlock *, 4> next(successors(&block));
  return !next.empty() && isPotentiallyReachableFromMany(next, &block, /*ExclusionSet=*/nullptr);
}

} // namespace

void make_objects_static(Function &function) {
  SmallVector<AllocaInst *, 4> once;
  for (Instruction &instruction : instructions(function))
    if (auto *object = dyn_cast<AllocaInst>(&instruction))
      if (!object->isStaticAlloca() && isa<ConstantInt>(object->getArraySize()) && !object->isUsedWithInAlloca() &&
          !is_in_cycle(*object->getParent()))
        once.push_back(object);
  for (AllocaInst *object : once)
    object->moveBefore(function.getEntryBlock().getFirstInsertionPt());
}

bool has_variable_objects(const Function &function) {
  return any_of(instructions(function), [](const Instruction &instruction) {
    const auto *object = dyn_cast<AllocaInst>(&instruction);
    return object && !object->isStaticAlloca();
  });
}

void move_objects(Function &function) {
  Found found = find_objects(function);
  bool any = !found.objects.empty() || !found.saves.empty() || !found.restores.empty();
  if (any)
    Mover(function, std::move(found)).run();
}

} // namespace osr
