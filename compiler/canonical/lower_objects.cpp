#include "compiler/canonical/lower_objects.h"

#include "compiler/base/check.h"
#include "compiler/canonical/frame_state_bundle.h"
#include "compiler/canonical/object_area.h"
#include "compiler/canonical/objects.h"
#include "compiler/target/holder_assembly.h"
#include "compiler/target/stack_arguments.h"
#include "compiler/target/thread_memory.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/Support/MathExtras.h>

using namespace llvm;

namespace osr {
namespace {

constexpr const char *body_alias = "osr.object.body"; ///< private: a name that assembly can spell

/// A call of which a frame state or stack map tells: somebody may replace the frame there.
bool has_sites(Function &function) {
  return any_of(instructions(function), [](Instruction &instruction) {
    const auto *call = dyn_cast<CallBase>(&instruction);
    return call && (has_frame_state(*call) || call->getIntrinsicID() == Intrinsic::experimental_stackmap);
  });
}

SmallVector<CallInst *, 8> operations_in(Function &function, StringRef name) {
  SmallVector<CallInst *, 8> calls;
  for (Instruction &instruction : instructions(function))
    if (CallInst *call = as_object_operation(&instruction, name))
      calls.push_back(call);
  return calls;
}

void replace(CallInst &call, Value *result) {
  if (result) {
    if (isa<Instruction>(result) && !result->hasName())
      result->takeName(&call);
    call.replaceAllUsesWith(result);
  }
  call.eraseFromParent();
}

/// A frame whose objects were all optimised away, and that no frame state names.
bool is_unused(CallInst &push, SmallVectorImpl<CallInst *> &dead) {
  for (User *user : push.users()) {
    CallInst *address = as_object_operation(user, object_address);
    CallInst *pop = as_object_operation(user, object_pop);
    if (!address && !pop)
      return false;
    dead.push_back(address ? address : pop);
    for (User *use : user->users()) {
      CallInst *expose = as_object_operation(use, object_expose);
      if (!expose)
        return false;
      dead.push_back(expose);
    }
  }
  return true;
}

void drop_unused_frames(Function &function) {
  for (CallInst *push : operations_in(function, object_push)) {
    SmallVector<CallInst *, 8> dead;
    if (!is_unused(*push, dead))
      continue;
    for (CallInst *call : reverse(dead))
      call->eraseFromParent();
    push->eraseFromParent();
  }
}

Value *aligned_up(IRBuilder<> &builder, Value *address, Align align) {
  Value *past = builder.CreatePtrAdd(address, builder.getInt64(align.value() - object_frame_align));
  return builder.CreateIntrinsic(Intrinsic::ptrmask, {builder.getPtrTy(), builder.getInt64Ty()},
                                 {past, builder.getInt64(-align.value())});
}

std::uint64_t room_for(const ObjectArea &area) { return area.size + area.align.value() - object_frame_align; }

/// Where the holder has made room, seen from its callee: behind the return PC and the copied arguments. The empty
/// assembly hides that this has to do with the frame, which code generation would want to make use of in records.
Value *area_in_holder(Function &body, const ObjectArea &area) {
  BasicBlock &entry = body.getEntryBlock();
  IRBuilder<> builder(&entry, entry.getFirstNonPHIOrDbgOrAlloca());
  Value *slot = builder.CreateIntrinsic(Intrinsic::addressofreturnaddress, {builder.getPtrTy()}, {});
  Value *place = builder.CreatePtrAdd(slot, builder.getInt64(holder_return_pc_size + most_stack_argument_bytes(body)));
  auto *type = FunctionType::get(builder.getPtrTy(), {builder.getPtrTy()}, false);
  Value *begin = builder.CreateCall(InlineAsm::get(type, "", "=r,0", /*hasSideEffects=*/false), {place}, "area");
  return area.align.value() > object_frame_align ? aligned_up(builder, begin, area.align) : begin;
}

Value *area_in_frame(Function &function, const ObjectArea &area) {
  for (Instruction &instruction : instructions(function)) // "tail" promises that no object of the frame is touched
    if (auto *call = dyn_cast<CallInst>(&instruction); call && call->getTailCallKind() == CallInst::TCK_Tail)
      call->setTailCallKind(CallInst::TCK_None);
  BasicBlock &entry = function.getEntryBlock();
  IRBuilder<> builder(&entry, entry.getFirstInsertionPt());
  AllocaInst *room = builder.CreateAlloca(builder.getInt8Ty(), builder.getInt64(room_for(area)), "objects");
  room->setAlignment(Align(object_frame_align)); // frames are never realigned
  builder.SetInsertPoint(&entry, entry.getFirstNonPHIOrDbgOrAlloca());
  return area.align.value() > object_frame_align ? aligned_up(builder, room, area.align) : room;
}

/// The function's entry: code that says how much room the holder of the body makes.
void add_entry(Function &body, const ObjectArea &area) {
  Module &module = *body.getParent();
  auto *alias = GlobalAlias::create(body.getValueType(), 0, GlobalValue::PrivateLinkage, body_alias, &body, &module);
  OSR_CHECK(alias->getName() == body_alias, "two functions of '{}' have objects", module.getName().str());
  auto *entry = Function::Create(body.getFunctionType(), GlobalValue::ExternalLinkage, body.getName() + entry_suffix);
  module.getFunctionList().insert(body.getIterator(), entry); // in front of the body: addresses ascend
  entry->setDSOLocal(true);
  entry->setCallingConv(body.getCallingConv());
  for (Attribute::AttrKind kind : {Attribute::Naked, Attribute::NoInline, Attribute::NoUnwind})
    entry->addFnAttr(kind);
  entry->setUWTableKind(UWTableKind::Async);
  const std::uint64_t arguments = most_stack_argument_bytes(body);
  const bool has_chain = any_of(body.args(), [](const Argument &argument) { return argument.hasNestAttr(); });
  OSR_CHECK(arguments == 0 || !has_chain, "'{}' has a static chain and arguments on the stack", body.getName().str());
  const std::string text = holder_entry_assembly({.body = body_alias,
                                                  .room = room_for(area),
                                                  .argument_bytes = arguments,
                                                  .has_chain = has_chain,
                                                  .continues = body.hasFnAttribute(continues_attribute)});
  IRBuilder<> builder(BasicBlock::Create(module.getContext(), "", entry));
  auto *type = FunctionType::get(builder.getVoidTy(), false);
  builder.CreateCall(InlineAsm::get(type, text, "", /*hasSideEffects=*/true));
  builder.CreateUnreachable();
}

/// The objects are dead, and their memory may serve others: every access to it has to come first, and a call that follows
/// is not the last act of the function while they live. Unlike a fence this costs no instruction.
void lower_pop(CallInst &pop) {
  IRBuilder<> builder(&pop);
  auto *type = FunctionType::get(builder.getVoidTy(), false);
  builder.CreateCall(InlineAsm::get(type, "", "~{memory}", /*hasSideEffects=*/true));
  replace(pop, nullptr);
}

void lower_pushes(Function &function, ArrayRef<CallInst *> pushes) {
  const ObjectArea area = lay_out_area(pushes);
  const bool is_emitted = !function.hasAvailableExternallyLinkage();
  const bool has_holder = is_emitted && has_sites(function);
  Value *begin = has_holder ? area_in_holder(function, area) : area_in_frame(function, area);
  for (auto [push, offset] : zip(pushes, area.offsets)) {
    IRBuilder<> builder(push);
    replace(*push, offset == 0 ? begin : builder.CreatePtrAdd(begin, builder.getInt64(offset)));
  }
  if (has_holder)
    add_entry(function, area);
}

void lower_function(Function &function) {
  drop_unused_frames(function);
  const SmallVector<CallInst *, 8> addresses = operations_in(function, object_address);
  const SmallVector<CallInst *, 8> pops = operations_in(function, object_pop);
  for (CallInst *expose : operations_in(function, object_expose))
    replace(*expose, nullptr);
  if (const SmallVector<CallInst *, 8> pushes = operations_in(function, object_push); !pushes.empty())
    lower_pushes(function, pushes);
  for (CallInst *address : addresses) {
    IRBuilder<> builder(address);
    replace(*address, builder.CreatePtrAdd(address->getArgOperand(0), address->getArgOperand(1)));
  }
  for (CallInst *pop : pops)
    lower_pop(*pop);
}

void lower_buffer_operations(Function &function, std::int64_t tls_offset) {
  LLVMContext &context = function.getContext();
  Value *top = ConstantExpr::getIntToPtr(ConstantInt::getSigned(Type::getInt64Ty(context), tls_offset),
                                         PointerType::get(context, thread_address_space()));
  for (CallInst *save : operations_in(function, buffers_save)) {
    IRBuilder<> builder(save);
    replace(*save, builder.CreateAlignedLoad(builder.getPtrTy(), top, Align(8), /*isVolatile=*/true));
  }
  for (CallInst *restore : operations_in(function, buffers_restore)) {
    IRBuilder<> builder(restore);
    builder.CreateAlignedStore(restore->getArgOperand(0), top, Align(8), /*isVolatile=*/true);
    replace(*restore, nullptr);
  }
}

} // namespace

void lower_objects(Module &module, std::int64_t tls_offset) {
  for (Function &function : make_early_inc_range(module))
    if (!function.isDeclaration()) {
      lower_function(function);
      lower_buffer_operations(function, tls_offset);
    }
  for (const char *name : {object_push, object_address, object_expose, object_pop, buffers_save, buffers_restore})
    if (Function *operation = module.getFunction(name))
      operation->eraseFromParent();
}

} // namespace osr
