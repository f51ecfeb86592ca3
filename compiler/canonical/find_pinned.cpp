#include "compiler/canonical/find_pinned.h"

#include <llvm/CodeGen/Analysis.h>
#include <llvm/CodeGen/TargetLowering.h>
#include <llvm/CodeGen/TargetSubtargetInfo.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>

#include <algorithm>

using namespace llvm;

namespace osr {
namespace {

constexpr Attribute::AttrKind unmovable_arguments[] = {
    Attribute::InAlloca, Attribute::Preallocated, Attribute::SwiftError, Attribute::SwiftAsync, Attribute::SwiftSelf};

/// Conventions with the callee-saved registers of C. The others keep values where no stub looks for them.
bool saves_like_c(CallingConv::ID convention) {
  return convention == CallingConv::C || convention == CallingConv::Fast || convention == CallingConv::Cold ||
         convention == CallingConv::X86_64_SysV;
}

PinReason of_intrinsic(Intrinsic::ID id) {
  switch (id) {
  case Intrinsic::vastart: return PinReason::VariableArguments;
  case Intrinsic::frameaddress:
  case Intrinsic::returnaddress:
  case Intrinsic::addressofreturnaddress:
  case Intrinsic::sponentry:
  case Intrinsic::stackaddress:
  case Intrinsic::localescape:
  case Intrinsic::localaddress:
  case Intrinsic::localrecover:
  case Intrinsic::gcroot:
  case Intrinsic::read_register:
  case Intrinsic::read_volatile_register:
  case Intrinsic::write_register:
  case Intrinsic::eh_unwind_init:
  case Intrinsic::eh_return_i32:
  case Intrinsic::eh_return_i64:
  case Intrinsic::eh_dwarf_cfa: return PinReason::FrameAddress;
  case Intrinsic::eh_sjlj_setjmp:
  case Intrinsic::eh_sjlj_setup_dispatch: return PinReason::ReturnsTwice;
  case Intrinsic::call_preallocated_setup:
  case Intrinsic::call_preallocated_arg:
  case Intrinsic::call_preallocated_teardown: return PinReason::ArgumentKind;
  default: return PinReason::None;
  }
}

PinReason of_call(const CallBase &call) {
  if (const auto *intrinsic = dyn_cast<IntrinsicInst>(&call))
    if (PinReason reason = of_intrinsic(intrinsic->getIntrinsicID()); reason != PinReason::None)
      return reason;
  if (isa<CallBrInst>(call))
    return PinReason::AsmGoto;
  if (may_return_twice(call))
    return PinReason::ReturnsTwice;
  if (call.isMustTailCall() && call.getFunctionType()->isVarArg())
    return PinReason::VariableArguments;
  for (unsigned i = 0; i < call.arg_size(); ++i) {
    for (Attribute::AttrKind kind : unmovable_arguments)
      if (call.paramHasAttr(i, kind))
        return PinReason::ArgumentKind;
    // Its copy is made in the caller's argument area, after the caller's own objects are gone.
    if (call.isMustTailCall() && call.paramHasAttr(i, Attribute::ByVal))
      return PinReason::TailCallByValue;
  }
  if (!call.isInlineAsm() && !isa<IntrinsicInst>(call) && !saves_like_c(call.getCallingConv()))
    return PinReason::CallingConvention;
  return PinReason::None;
}

void count_vectors(const Type *type, unsigned &vectors, bool &wide) {
  if (const auto *structure = dyn_cast<StructType>(type)) {
    for (const Type *member : structure->elements())
      count_vectors(member, vectors, wide);
  } else if (const auto *array = dyn_cast<ArrayType>(type)) {
    for (std::uint64_t i = 0; i < std::min<std::uint64_t>(array->getNumElements(), 16); ++i)
      count_vectors(array->getElementType(), vectors, wide);
  } else if (type->isFPOrFPVectorTy() || type->isVectorTy()) {
    ++vectors;
    wide |= type->isVectorTy() && type->getPrimitiveSizeInBits().getFixedValue() > 128;
  }
}

/// Eight vector registers carry arguments; a wide vector beyond them, or among variable arguments, lies on the stack,
/// aligned to its size. So does the memory for a result that does not fit into registers.
bool needs_realigned_frame(const CallBase &call) {
  unsigned vectors = 0, results = 0;
  bool wide = false, wide_result = false;
  for (unsigned i = 0; i < call.arg_size(); ++i) {
    if (call.isByValArgument(i) && call.getParamAlign(i).valueOrOne().value() > 16)
      return true;
    count_vectors(call.getArgOperand(i)->getType(), vectors, wide);
  }
  count_vectors(call.getType(), results, wide_result);
  return (wide && (vectors > 8 || call.getFunctionType()->isVarArg())) || (wide_result && results > 4);
}

PinReason of_instruction(const Instruction &instruction) {
  if (const auto *call = dyn_cast<CallBase>(&instruction))
    return of_call(*call);
  if ((instruction.isEHPad() && !isa<LandingPadInst>(instruction)) || isa<CleanupReturnInst>(instruction) ||
      isa<CatchReturnInst>(instruction))
    return PinReason::ExceptionHandling;
  if (isa<VAArgInst>(instruction))
    return PinReason::VariableArguments;
  if (const auto *object = dyn_cast<AllocaInst>(&instruction))
    if (object->isSwiftError() || object->isUsedWithInAlloca() || object->getAddressSpace() != 0)
      return PinReason::ObjectKind;
  return PinReason::None;
}

/// Counts the registers that the result takes against what x86-64 has for results: rax, rdx, rcx; xmm0-3; st0, st1.
/// With more, code generation adds a hidden pointer argument.
bool returns_in_memory(const Function &function, const TargetMachine &machine) {
  const TargetLowering &lowering = *machine.getSubtargetImpl(function)->getTargetLowering();
  LLVMContext &context = function.getContext();
  SmallVector<EVT, 8> pieces;
  ComputeValueVTs(lowering, function.getDataLayout(), function.getReturnType(), pieces);
  unsigned general = 0, vectors = 0, x87 = 0;
  for (EVT piece : pieces) {
    MVT type = lowering.getRegisterTypeForCallingConv(context, function.getCallingConv(), piece);
    unsigned count = lowering.getNumRegistersForCallingConv(context, function.getCallingConv(), piece);
    (type == MVT::f80 ? x87 : type.isScalarInteger() ? general : vectors) += count;
  }
  return general > 3 || vectors > 4 || x87 > 2;
}

} // namespace

bool may_return_twice(const CallBase &call) {
  if (call.hasFnAttr(Attribute::ReturnsTwice))
    return true;
  const auto *intrinsic = dyn_cast<IntrinsicInst>(&call);
  return intrinsic && of_intrinsic(intrinsic->getIntrinsicID()) == PinReason::ReturnsTwice;
}

bool needs_realigned_frame(const Function &function) {
  for (const BasicBlock &block : function)
    for (const Instruction &instruction : block)
      if (const auto *call = dyn_cast<CallBase>(&instruction);
          call && !call->isInlineAsm() && !isa<IntrinsicInst>(call) && needs_realigned_frame(*call))
        return true;
  return false;
}

PinReason find_pin_reason(const Function &function, const TargetMachine &machine) {
  if (function.hasFnAttribute(Attribute::Naked))
    return PinReason::Naked;
  if (function.hasFnAttribute(Attribute::ReturnsTwice))
    return PinReason::ReturnsTwice;
  if (!saves_like_c(function.getCallingConv()))
    return PinReason::CallingConvention;
  for (const Argument &argument : function.args())
    for (Attribute::AttrKind kind : unmovable_arguments)
      if (argument.hasAttribute(kind))
        return PinReason::ArgumentKind;
  for (const BasicBlock &block : function)
    for (const Instruction &instruction : block)
      if (PinReason reason = of_instruction(instruction); reason != PinReason::None)
        return reason;
  if (needs_realigned_frame(function))
    return PinReason::RealignedFrame;
  return returns_in_memory(function, machine) ? PinReason::ResultInMemory : PinReason::None;
}

} // namespace osr
