#include "compiler/canonical/explicit_guards.h"

#include "compiler/base/error.h"
#include "compiler/base/print.h"
#include "compiler/canonical/exit_calls.h"
#include "compiler/canonical/frame_state_bundle.h"
#include "compiler/canonical/points.h"
#include "compiler/canonical/state_words.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SmallPtrSet.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/Transforms/Utils/GuardUtils.h>

using namespace llvm;

namespace osr {
namespace {

Constant *text_constant(Module &module, StringRef text) {
  Constant *data = ConstantDataArray::getString(module.getContext(), text);
  auto *global = new GlobalVariable(module, data->getType(), /*isConstant=*/true, GlobalValue::PrivateLinkage, data,
                                    "osr.exit.text");
  global->setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
  return global;
}

/// An ExitDescription.
Constant *describe_exit(CallInst &deoptimize, ArrayRef<Value *> values, ArrayRef<std::uint64_t> words) {
  Module &module = *deoptimize.getModule();
  LLVMContext &context = module.getContext();
  Type *pointer = PointerType::getUnqual(context), *word = Type::getInt64Ty(context);
  auto *value_type = StructType::get(context, {pointer, word});
  SmallVector<Constant *, 8> described;
  for (auto [value, count] : zip(values, words))
    described.push_back(ConstantStruct::get(
        value_type, {text_constant(module, print(*value->getType())), ConstantInt::get(word, count)}));
  auto *array = ArrayType::get(value_type, described.size());
  auto *list = new GlobalVariable(module, array, /*isConstant=*/true, GlobalValue::PrivateLinkage,
                                  ConstantArray::get(array, described), "osr.exit.values");
  const Function &function = *deoptimize.getFunction();
  auto *type = StructType::get(context, {pointer, pointer, pointer, word, word});
  Constant *fields[] = {text_constant(module, function.getName()), text_constant(module, print(*deoptimize.getType())),
                        list, ConstantInt::get(word, deoptimize.arg_size()),
                        ConstantInt::get(word, values.size() - deoptimize.arg_size())};
  return new GlobalVariable(module, type, /*isConstant=*/true, GlobalValue::PrivateLinkage,
                            ConstantStruct::get(type, fields), "osr.exit");
}

/// The call of the embedder's interpreter; returns the function's result.
Expected<Value *> hand_over(CallInst &deoptimize, ArrayRef<Value *> state, IRBuilder<> &builder) {
  const std::string function = deoptimize.getFunction()->getName().str();
  SmallVector<Value *, 8> values(deoptimize.args());
  append_range(values, state);
  SmallVector<Value *, 16> arguments{nullptr};
  SmallVector<std::uint64_t, 8> counts;
  for (Value *value : values) {
    std::size_t before = arguments.size();
    if (!append_words(*value, builder, arguments))
      return make_error(
          "function '{}' deoptimizes with a value of type '{}', which cannot be handed to an interpreter; "
          "describe it by scalars",
          function, print(*value->getType()));
    counts.push_back(arguments.size() - before);
  }
  arguments[0] = describe_exit(deoptimize, values, counts);
  Type *word = builder.getInt64Ty();
  auto *result_type = StructType::get(builder.getContext(), {word, word});
  FunctionCallee callee = deoptimize.getModule()->getOrInsertFunction(
      deoptimize_callee, FunctionType::get(result_type, {builder.getPtrTy()}, /*isVarArg=*/true));
  CallInst *words = builder.CreateCall(callee, arguments);
  Value *result = value_of_words(*deoptimize.getType(), *words, builder);
  if (!result && !deoptimize.getType()->isVoidTy())
    return make_error("function '{}' deoptimizes and returns '{}'; an interpreter can give results of up to 16 bytes, "
                      "return it through memory",
                      function, print(*deoptimize.getType()));
  return result;
}

Function *named_continuation(ArrayRef<Value *> state) {
  auto *function = state.empty() ? nullptr : dyn_cast<Function>(state.front()->stripPointerCasts());
  return function && function->hasFnAttribute(continuation_attribute) ? function : nullptr;
}

Expected<Value *> call_continuation(Function &continuation, CallInst &deoptimize, ArrayRef<Value *> state,
                                    IRBuilder<> &builder) {
  SmallVector<Type *, 8> types;
  for (Value *value : state)
    types.push_back(value->getType());
  auto *wanted = FunctionType::get(deoptimize.getType(), types, /*isVarArg=*/false);
  if (continuation.getFunctionType() != wanted)
    return make_error("function '{}' deoptimizes into '{}', which must have the type '{}' and has '{}'",
                      deoptimize.getFunction()->getName().str(), continuation.getName().str(), print(*wanted),
                      print(*continuation.getFunctionType()));
  CallInst *call = builder.CreateCall(&continuation, state);
  call->setCallingConv(continuation.getCallingConv());
  return call;
}

Error make_exit(CallInst &deoptimize, ExitReason reason, FunctionCallee guard_failed) {
  IRBuilder<> builder(&deoptimize);
  CallInst *failed = builder.CreateCall(guard_failed, builder.getInt32(std::uint32_t(reason)));
  failed->addFnAttr(Attribute::NoMerge); // each is to be counted for itself
  SmallVector<Value *, 8> state(frame_state_bundle(deoptimize)->Inputs);
  Function *continuation = named_continuation(state);
  auto result = continuation ? call_continuation(*continuation, deoptimize, ArrayRef(state).drop_front(), builder)
                             : hand_over(deoptimize, state, builder);
  if (!result)
    return result.takeError();
  if (!deoptimize.use_empty())
    deoptimize.replaceAllUsesWith(*result);
  deoptimize.eraseFromParent();
  return Error::success();
}

std::vector<CallInst *> calls_of(Function &function, Intrinsic::ID id) {
  std::vector<CallInst *> found;
  for (Instruction &instruction : instructions(function))
    if (auto *intrinsic = dyn_cast<IntrinsicInst>(&instruction); intrinsic && intrinsic->getIntrinsicID() == id)
      found.push_back(intrinsic);
  return found;
}

/// Each guard gets a block of its own that deoptimizes.
void branch_at_guards(Function &function) {
  for (CallInst *guard : calls_of(function, Intrinsic::experimental_guard)) {
    Function *deoptimize = Intrinsic::getOrInsertDeclaration(function.getParent(), Intrinsic::experimental_deoptimize,
                                                             {function.getReturnType()});
    deoptimize->setCallingConv(guard->getCallingConv());
    makeGuardControlFlowExplicit(deoptimize, guard, /*UseWC=*/false);
    guard->eraseFromParent();
  }
}

void drop_widening(Function &function) {
  for (CallInst *condition : calls_of(function, Intrinsic::experimental_widenable_condition)) {
    condition->replaceAllUsesWith(ConstantInt::getTrue(condition->getType()));
    condition->eraseFromParent();
  }
}

/// Nobody calls them any more, and what they still say of conventions may differ: the verifier wants all exits alike.
void drop_declarations(Module &module) {
  for (Function &function : make_early_inc_range(module))
    if (is_contained({Intrinsic::experimental_guard, Intrinsic::experimental_deoptimize,
                      Intrinsic::experimental_widenable_condition},
                     function.getIntrinsicID()) &&
        function.use_empty())
      function.eraseFromParent();
}

bool mentions(const Module &module, Intrinsic::ID id) {
  return any_of(module, [&](const Function &function) { return function.getIntrinsicID() == id; });
}

} // namespace

Error make_guards_explicit(Module &module) {
  const bool has_exits =
      mentions(module, Intrinsic::experimental_guard) || mentions(module, Intrinsic::experimental_deoptimize);
  for (Function &function : module) {
    if (function.isDeclaration())
      continue;
    drop_widening(function);
    if (has_exits) {
      FunctionCallee guard_failed = declare_guard_failed(module);
      for (CallInst *deoptimize : calls_of(function, Intrinsic::experimental_deoptimize))
        if (Error error = make_exit(*deoptimize, ExitReason::Deoptimize, guard_failed))
          return error;
      branch_at_guards(function);
      for (CallInst *deoptimize : calls_of(function, Intrinsic::experimental_deoptimize))
        if (Error error = make_exit(*deoptimize, ExitReason::Guard, guard_failed))
          return error;
    }
  }
  drop_declarations(module);
  return keep_points(module);
}

} // namespace osr
