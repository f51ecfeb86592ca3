#include "compiler/canonical/find_pinned.h"

#include "compiler/target/calling_conventions.h"
#include "compiler/target/result_registers.h"
#include "compiler/target/stack_arguments.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>

using namespace llvm;

namespace osr {
namespace {

constexpr Attribute::AttrKind unmovable_arguments[] = {
    Attribute::InAlloca, Attribute::Preallocated, Attribute::SwiftError, Attribute::SwiftAsync, Attribute::SwiftSelf};

/// These attributes change what a convention says about that.
constexpr const char *saving_attributes[] = {"no_caller_saved_registers", "no_callee_saved_registers"};

bool follows_c(const Function &function) {
  return saves_like_c(function.getCallingConv()) &&
         none_of(saving_attributes, [&](const char *name) { return function.hasFnAttribute(name); });
}

bool follows_c(const CallBase &call) {
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
  if (!call.isInlineAsm() && !isa<IntrinsicInst>(call) && !follows_c(call))
    return PinReason::CallingConvention;
  return PinReason::None;
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
  if (!follows_c(function))
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
