#include "compiler/canonical/find_pinned.h"

#include "compiler/target/stack_arguments.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/CodeGen/Analysis.h>
#include <llvm/CodeGen/TargetLowering.h>
#include <llvm/CodeGen/TargetSubtargetInfo.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>

using namespace llvm;

namespace osr {
namespace {

constexpr Attribute::AttrKind unmovable_arguments[] = {
    Attribute::InAlloca, Attribute::Preallocated, Attribute::SwiftError, Attribute::SwiftAsync, Attribute::SwiftSelf};

/// Conventions in which the callee saves the registers that it saves in C. In others it keeps values where no stub looks
/// for them: in coldcc, for one, in nearly all registers.
bool saves_like_c(CallingConv::ID convention) {
  return convention == CallingConv::C || convention == CallingConv::Fast || convention == CallingConv::X86_64_SysV;
}

/// These attributes change what a convention says about that.
constexpr const char *saving_attributes[] = {"no_caller_saved_registers", "no_callee_saved_registers"};

bool saves_like_c(const Function &function) {
  return saves_like_c(function.getCallingConv()) &&
         none_of(saving_attributes, [&](const char *name) { return function.hasFnAttribute(name); });
}

bool saves_like_c(const CallBase &call) {
  return saves_like_c(call.getCallingConv()) &&
         none_of(saving_attributes, [&](const char *name) { return call.hasFnAttr(name); });
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

/// Assembly that says itself where the frame ends: that may be in ways which no row of ours can say.
bool describes_frame(const CallBase &call) {
  const auto *assembly = dyn_cast<InlineAsm>(call.getCalledOperand());
  return assembly && StringRef(assembly->getAsmString()).contains(".cfi_");
}

PinReason of_call(const CallBase &call) {
  if (const auto *intrinsic = dyn_cast<IntrinsicInst>(&call))
    if (PinReason reason = of_intrinsic(intrinsic->getIntrinsicID()); reason != PinReason::None)
      return reason;
  if (isa<CallBrInst>(call))
    return PinReason::AsmGoto;
  if (describes_frame(call))
    return PinReason::FrameAddress;
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
  if (!call.isInlineAsm() && !isa<IntrinsicInst>(call) && !saves_like_c(call))
    return PinReason::CallingConvention;
  return PinReason::None;
}

bool has_wide_vector(const Type *type) {
  if (const auto *structure = dyn_cast<StructType>(type))
    return any_of(structure->elements(), has_wide_vector);
  if (const auto *array = dyn_cast<ArrayType>(type))
    return array->getNumElements() > 0 && has_wide_vector(array->getElementType());
  return type->isVectorTy() && type->getPrimitiveSizeInBits().getFixedValue() > 128;
}

/// The registers that a value takes as an argument or result.
struct RegisterCount {
  unsigned general = 0, vectors = 0, x87 = 0;
  bool wide = false; ///< some vector register of more than 16 bytes
};

/// `within`: the function whose instructions there are for it.
RegisterCount count_registers(Type *value, CallingConv::ID convention, const Function &within,
                              const TargetMachine &machine) {
  const TargetLowering &lowering = *machine.getSubtargetImpl(within)->getTargetLowering();
  LLVMContext &context = within.getContext();
  SmallVector<EVT, 8> pieces;
  ComputeValueVTs(lowering, within.getDataLayout(), value, pieces);
  RegisterCount registers;
  for (EVT piece : pieces) {
    MVT type = lowering.getRegisterTypeForCallingConv(context, convention, piece);
    unsigned count = lowering.getNumRegistersForCallingConv(context, convention, piece);
    (type == MVT::f80 ? registers.x87 : type.isScalarInteger() ? registers.general : registers.vectors) += count;
    registers.wide |= type.isVector() && type.getFixedSizeInBits() > 128;
  }
  return registers;
}

/// x86-64 has for results: rax, rdx, rcx; xmm0-3; st0, st1. If they do not do, code generation adds a hidden argument.
bool returns_in_memory(Type *result, CallingConv::ID convention, const Function &within, const TargetMachine &machine) {
  const RegisterCount registers = count_registers(result, convention, within, machine);
  return registers.general > 3 || registers.vectors > 4 || registers.x87 > 2;
}

/// Eight vector registers carry arguments; a wide vector beyond them, or among variable arguments, lies on the stack,
/// aligned to its size. So does the memory for a result that does not fit into registers.
bool needs_realigned_frame(const CallBase &call, const TargetMachine &machine) {
  const Function &caller = *call.getFunction();
  bool may_be_wide = false, wide = false;
  for (unsigned i = 0; i < call.arg_size(); ++i) {
    if (call.isByValArgument(i) && call.getParamAlign(i).valueOrOne().value() > 16)
      return true;
    may_be_wide |= has_wide_vector(call.getArgOperand(i)->getType());
  }
  unsigned vectors = 0;
  if (may_be_wide)
    for (const Use &argument : call.args()) {
      const RegisterCount registers = count_registers(argument->getType(), call.getCallingConv(), caller, machine);
      vectors += registers.vectors;
      wide |= registers.wide;
    }
  if (wide && (vectors > 8 || call.getFunctionType()->isVarArg()))
    return true;
  return !call.getType()->isVoidTy() && caller.getDataLayout().getPrefTypeAlign(call.getType()).value() > 16 &&
         returns_in_memory(call.getType(), call.getCallingConv(), caller, machine);
}

/// D chains an exception that is thrown while another one is in flight if both land in the same activation, which it tells by
/// the address of the function's table. Another version has another table.
bool has_personality_that_remembers(const Function &function) {
  const auto *personality =
      function.hasPersonalityFn() ? dyn_cast<Function>(function.getPersonalityFn()->stripPointerCasts()) : nullptr;
  return personality &&
         is_contained({"_d_eh_personality", "__dmd_personality_v0", "__gdc_personality_v0"}, personality->getName());
}

PinReason of_instruction(const Instruction &instruction) {
  if (const auto *call = dyn_cast<CallBase>(&instruction))
    return of_call(*call);
  if ((instruction.isEHPad() && !isa<LandingPadInst>(instruction)) || isa<CleanupReturnInst>(instruction) ||
      isa<CatchReturnInst>(instruction))
    return PinReason::ExceptionHandling;
  if (isa<LandingPadInst>(instruction) && has_personality_that_remembers(*instruction.getFunction()))
    return PinReason::ExceptionTables;
  if (isa<VAArgInst>(instruction))
    return PinReason::VariableArguments;
  if (const auto *object = dyn_cast<AllocaInst>(&instruction)) {
    if (object->isSwiftError() || object->isUsedWithInAlloca() || object->getAddressSpace() != 0)
      return PinReason::ObjectKind;
    if (!object->isStaticAlloca()) // lies behind the frame's values, and moves its end
      return PinReason::ObjectKind;
  }
  return PinReason::None;
}

/// The holder of its objects would have to pass on what it cannot copy, or would stay on the stack for each of a chain of
/// guaranteed tail calls.
PinReason of_arguments(const Function &function) {
  const bool has_chain = any_of(function.args(), [](const Argument &argument) { return argument.hasNestAttr(); });
  if (has_chain && most_stack_argument_bytes(function) != 0)
    return PinReason::ArgumentKind;
  if (has_over_aligned_stack_argument(function))
    return PinReason::RealignedFrame;
  const bool has_objects = any_of(function.getEntryBlock(), [](const Instruction &i) { return isa<AllocaInst>(i); });
  return has_objects && forwards_stack_arguments(function) ? PinReason::TailCallByValue : PinReason::None;
}

} // namespace

bool forwards_stack_arguments(const Function &function) {
  return (function.isVarArg() || most_stack_argument_bytes(function) != 0) &&
         any_of(function, [](const BasicBlock &block) { return block.getTerminatingMustTailCall() != nullptr; });
}

bool may_return_twice(const CallBase &call) {
  if (call.hasFnAttr(Attribute::ReturnsTwice))
    return true;
  const auto *intrinsic = dyn_cast<IntrinsicInst>(&call);
  return intrinsic && of_intrinsic(intrinsic->getIntrinsicID()) == PinReason::ReturnsTwice;
}

bool needs_realigned_frame(const Function &function, const TargetMachine &machine) {
  for (const BasicBlock &block : function)
    for (const Instruction &instruction : block)
      if (const auto *call = dyn_cast<CallBase>(&instruction);
          call && !call->isInlineAsm() && !isa<IntrinsicInst>(call) && needs_realigned_frame(*call, machine))
        return true;
  return false;
}

PinReason find_pin_reason(const Function &function, const TargetMachine &machine) {
  if (function.hasFnAttribute(Attribute::Naked))
    return PinReason::Naked;
  if (function.hasFnAttribute(Attribute::ReturnsTwice))
    return PinReason::ReturnsTwice;
  if (!saves_like_c(function))
    return PinReason::CallingConvention;
  for (const Argument &argument : function.args())
    for (Attribute::AttrKind kind : unmovable_arguments)
      if (argument.hasAttribute(kind))
        return PinReason::ArgumentKind;
  for (const BasicBlock &block : function)
    for (const Instruction &instruction : block)
      if (PinReason reason = of_instruction(instruction); reason != PinReason::None)
        return reason;
  if (needs_realigned_frame(function, machine))
    return PinReason::RealignedFrame;
  if (PinReason reason = of_arguments(function); reason != PinReason::None)
    return reason;
  return returns_in_memory(function.getReturnType(), function.getCallingConv(), function, machine)
             ? PinReason::ResultInMemory
             : PinReason::None;
}

} // namespace osr
