#include "compiler/canonical/object_stack.h"

#include "compiler/base/check.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>

using namespace llvm;

namespace osr {
namespace {

class Lowering {
public:
  Lowering(Module &module, std::int64_t tls_offset) : module_(module), tls_offset_(tls_offset) {}

  void run() {
    drop_unused_frames();
    for_each_call(object_push, [&](CallInst &call) { lower_push(call); });
    for_each_call(object_address, [&](CallInst &call) { lower_address(call); });
    for_each_call(object_expose, [&](CallInst &call) { replace(call, nullptr); });
    for_each_call(object_alloca, [&](CallInst &call) { lower_alloca(call); });
    for_each_call(object_save, [&](CallInst &call) { lower_save(call); });
    for_each_call(object_restore, [&](CallInst &call) { lower_restore(call); });
    for_each_call(object_pop, [&](CallInst &call) { lower_pop(call); });
    for (const char *name :
         {object_push, object_address, object_expose, object_alloca, object_save, object_restore, object_pop})
      if (Function *operation = module_.getFunction(name))
        operation->eraseFromParent();
  }

private:
  template <typename Do> void for_each_call(const char *name, Do &&todo) {
    Function *operation = module_.getFunction(name);
    if (!operation)
      return;
    SmallVector<CallInst *, 16> calls;
    for (User *user : operation->users()) {
      auto *call = dyn_cast<CallInst>(user);
      OSR_CHECK(call && call->getCalledFunction() == operation, "'{}' is used other than by a call", name);
      calls.push_back(call);
    }
    for (CallInst *call : calls)
      todo(*call);
  }

  /// A frame whose objects were all optimised away, and that no frame state names, needs no memory.
  void drop_unused_frames() {
    for_each_call(object_push, [&](CallInst &push) {
      SmallVector<CallInst *, 8> dead;
      if (is_unused(push, dead) && !has_dynamic_objects(*push.getFunction())) {
        for (CallInst *call : reverse(dead))
          call->eraseFromParent();
        push.eraseFromParent();
      }
    });
  }

  static bool is_call_of(const Value *value, const char *name) {
    const auto *call = dyn_cast<CallInst>(value);
    return call && call->getCalledFunction() && call->getCalledFunction()->getName() == name;
  }

  static bool is_unused(CallInst &push, SmallVectorImpl<CallInst *> &dead) {
    for (User *user : push.users()) {
      if (!is_call_of(user, object_pop) && !is_call_of(user, object_address))
        return false;
      dead.push_back(cast<CallInst>(user));
      for (User *use : user->users()) {
        if (!is_call_of(use, object_expose))
          return false;
        dead.push_back(cast<CallInst>(use));
      }
    }
    return true;
  }

  /// Their memory is given back by the pop of the frame below them.
  static bool has_dynamic_objects(Function &function) {
    return any_of(instructions(function), [](Instruction &i) { return is_call_of(&i, object_alloca); });
  }

  static std::uint64_t constant(const CallInst &call, unsigned index) {
    const auto *value = dyn_cast<ConstantInt>(call.getArgOperand(index));
    OSR_CHECK(value, "operand {} of '{}' is not a constant", index, call.getCalledFunction()->getName().str());
    return value->getZExtValue();
  }

  Value *top_address(IRBuilder<> &builder) {
    auto *pointer = PointerType::get(builder.getContext(), fs_segment);
    return ConstantExpr::getIntToPtr(builder.getInt64(tls_offset_), pointer);
  }

  Value *load_top(IRBuilder<> &builder, const Twine &name) {
    return builder.CreateAlignedLoad(builder.getPtrTy(), top_address(builder), Align(8), /*isVolatile=*/true, name);
  }

  void store_top(IRBuilder<> &builder, Value *top) {
    builder.CreateAlignedStore(top, top_address(builder), Align(8), /*isVolatile=*/true);
  }

  /// Memory is given back: every access to it has to come first. Unlike a fence this costs no instruction.
  void store_popped_top(IRBuilder<> &builder, Value *top) {
    auto *type = FunctionType::get(builder.getVoidTy(), false);
    builder.CreateCall(InlineAsm::get(type, "", "~{memory}", /*hasSideEffects=*/true));
    store_top(builder, top);
  }

  Value *below(IRBuilder<> &builder, Value *top, Value *bytes, std::uint64_t align) {
    Value *lower = builder.CreatePtrAdd(top, builder.CreateNeg(bytes));
    return builder.CreateIntrinsic(Intrinsic::ptrmask, {builder.getPtrTy(), builder.getInt64Ty()},
                                   {lower, builder.getInt64(-align)});
  }

  void lower_push(CallInst &push) {
    IRBuilder<> builder(&push);
    std::uint64_t align = constant(push, 1);
    Value *top = load_top(builder, "object.top");
    Value *size = push.getArgOperand(0);
    bool linked = align > object_stack_align;
    Value *frame = linked ? below(builder, top, size, align) : builder.CreatePtrAdd(top, builder.CreateNeg(size));
    store_top(builder, frame);
    if (linked)
      builder.CreateAlignedStore(top, frame, Align(object_stack_align));
    replace(push, frame);
  }

  void lower_pop(CallInst &pop) {
    IRBuilder<> builder(&pop);
    Value *frame = pop.getArgOperand(0);
    Value *top = constant(pop, 2) > object_stack_align
                     ? builder.CreateAlignedLoad(builder.getPtrTy(), frame, Align(object_stack_align), "object.top")
                     : builder.CreatePtrAdd(frame, pop.getArgOperand(1), "object.top");
    store_popped_top(builder, top);
    replace(pop, nullptr);
  }

  void lower_address(CallInst &address) {
    IRBuilder<> builder(&address);
    replace(address, builder.CreatePtrAdd(address.getArgOperand(0), address.getArgOperand(1)));
  }

  void lower_alloca(CallInst &alloca) {
    IRBuilder<> builder(&alloca);
    Value *top = load_top(builder, "object.top");
    Value *object = below(builder, top, alloca.getArgOperand(0), constant(alloca, 1));
    store_top(builder, object);
    replace(alloca, object);
  }

  void lower_save(CallInst &save) {
    IRBuilder<> builder(&save);
    replace(save, load_top(builder, ""));
  }

  void lower_restore(CallInst &restore) {
    IRBuilder<> builder(&restore);
    store_popped_top(builder, restore.getArgOperand(0));
    replace(restore, nullptr);
  }

  static void replace(CallInst &call, Value *result) {
    if (result) {
      if (isa<Instruction>(result) && call.hasName())
        result->takeName(&call);
      call.replaceAllUsesWith(result);
    }
    call.eraseFromParent();
  }

  Module &module_;
  std::int64_t tls_offset_;
};

} // namespace

void lower_object_stack(Module &module, std::int64_t tls_offset) { Lowering(module, tls_offset).run(); }

} // namespace osr
