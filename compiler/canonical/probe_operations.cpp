#include "compiler/canonical/probe_operations.h"

#include "compiler/base/diagnostics.h"
#include "compiler/base/error.h"
#include "compiler/base/fatal_errors.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/ADT/StringSet.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/Utils/Local.h>

using namespace llvm;

namespace osr {
namespace {

/// Code generation takes any operation that it knows on these.
bool is_usual(const Type *type) {
  if (const auto *structure = dyn_cast<StructType>(type))
    return all_of(structure->elements(), is_usual);
  if (const auto *vector = dyn_cast<FixedVectorType>(type))
    return vector->getPrimitiveSizeInBits().getFixedValue() == 128 && is_usual(vector->getElementType());
  if (type->isIntegerTy())
    return is_contained({1u, 8u, 16u, 32u, 64u}, type->getIntegerBitWidth());
  return type->isVoidTy() || type->isPointerTy() || type->isFloatTy() || type->isDoubleTy() || type->isMetadataTy();
}

constexpr StringLiteral rare[] = {"llvm.vp.", "llvm.powi.", "llvm.convert.", "llvm.experimental.vector.",
                                  "llvm.experimental.cttz."};

bool may_lack_code(const Function &operation) {
  if (!operation.isIntrinsic() || operation.use_empty())
    return false;
  if (Intrinsic::isTargetIntrinsic(operation.getIntrinsicID())) // some processors have it
    return true;
  if (any_of(rare, [&](StringRef prefix) { return operation.getName().starts_with(prefix); }))
    return true;
  return Intrinsic::isOverloaded(operation.getIntrinsicID()) &&
         !(is_usual(operation.getReturnType()) &&
           all_of(operation.args(), [](const Argument &argument) { return is_usual(argument.getType()); }));
}

/// What a function can be given and give.
bool is_plain(const Type *type) {
  return type->isIntOrIntVectorTy() || type->isFPOrFPVectorTy() || type->isPtrOrPtrVectorTy() || type->isStructTy() ||
         type->isVoidTy() || type->isMetadataTy();
}

bool is_alone(const CallInst &call) {
  return is_plain(call.getType()) && !call.hasOperandBundles() &&
         all_of(call.args(), [](const Use &argument) { return is_plain(argument->getType()); });
}

/// One call for each set of features of its callers; none whose result nobody wants, since no code is made for these.
void add_samples(const Function &operation, SmallVectorImpl<const CallInst *> &samples) {
  StringSet<> seen;
  for (const User *user : operation.users())
    if (const auto *call = dyn_cast<CallInst>(user);
        call && call->getCalledOperand() == &operation && is_alone(*call) &&
        (!call->use_empty() || !wouldInstructionBeTriviallyDead(call)) &&
        seen.insert(call->getFunction()->getFnAttribute("target-features").getValueAsString()).second)
      samples.push_back(call);
}

/// A function that makes the call and nothing else. Its arguments are the call's that may vary.
void add_probe(const CallInst &call, Module &probes) {
  const auto is_fixed = [&](unsigned i) {
    return call.getArgOperand(i)->getType()->isMetadataTy() ||
           call.getCalledFunction()->hasParamAttribute(i, Attribute::ImmArg);
  };
  SmallVector<Type *, 4> types;
  for (unsigned i = 0; i < call.arg_size(); ++i)
    if (!is_fixed(i))
      types.push_back(call.getArgOperand(i)->getType());
  auto *type = FunctionType::get(call.getType(), types, false);
  auto *probe = Function::Create(type, GlobalValue::ExternalLinkage, "probe", probes);
  for (const char *name : {"target-features", "target-cpu"})
    if (Attribute attribute = call.getFunction()->getFnAttribute(name); attribute.isValid())
      probe->addFnAttr(attribute);
  if (call.isStrictFP())
    probe->addFnAttr(Attribute::StrictFP);
  IRBuilder<> builder(BasicBlock::Create(probes.getContext(), "", probe));
  SmallVector<Value *, 4> arguments;
  for (unsigned i = 0, next = 0; i < call.arg_size(); ++i)
    arguments.push_back(is_fixed(i) ? call.getArgOperand(i) : probe->getArg(next++));
  const FunctionCallee callee = probes.getOrInsertFunction(call.getCalledFunction()->getName(), call.getFunctionType(),
                                                           call.getCalledFunction()->getAttributes());
  CallInst *copy = builder.CreateCall(callee, arguments);
  copy->setAttributes(call.getAttributes());
  if (call.getType()->isVoidTy())
    builder.CreateRetVoid();
  else
    builder.CreateRet(copy);
}

Error compile(ArrayRef<const CallInst *> calls, TargetMachine &machine) {
  LLVMContext &context = calls.front()->getContext();
  Module probes("probes", context);
  probes.setTargetTriple(machine.getTargetTriple());
  probes.setDataLayout(machine.createDataLayout());
  for (const CallInst *call : calls)
    add_probe(*call, probes);
  const DiagnosticScope diagnostics(context);
  auto passes = std::make_unique<legacy::PassManager>();
  raw_null_ostream nowhere;
  if (machine.addPassesToEmitFile(*passes, nowhere, nullptr, CodeGenFileType::Null))
    return Error::success(); // the code generator says so itself, later
  if (Error fatal = catch_fatal_error([&] { passes->run(probes); })) {
    (void)passes.release(); // in the middle of its work it cannot be taken apart
    return fatal;
  }
  return diagnostics.errors().empty() ? Error::success() : make_error("{}", diagnostics.errors());
}

} // namespace

Error probe_operations(const Module &module, TargetMachine &machine) {
  SmallVector<const CallInst *, 16> samples;
  for (const Function &function : module)
    if (may_lack_code(function))
      add_samples(function, samples);
  if (samples.empty())
    return Error::success();
  if (Error some = compile(samples, machine)) {
    for (const CallInst *call : samples)
      if (Error error = compile(call, machine)) {
        consumeError(std::move(some));
        return make_error("function '{}' has '{}', for which there is no code with the features of its processor: {}",
                          call->getFunction()->getName().str(), call->getCalledFunction()->getName().str(),
                          toString(std::move(error)));
      }
    return some;
  }
  return Error::success();
}

} // namespace osr
