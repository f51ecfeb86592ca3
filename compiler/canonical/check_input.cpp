#include "compiler/canonical/check_input.h"

#include "compiler/base/error.h"
#include "compiler/base/print.h"

#include <llvm/ADT/StringSwitch.h>
#include <llvm/IR/BuiltinGCs.h>
#include <llvm/IR/GCStrategy.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/LLVMContext.h>

using namespace llvm;

namespace osr {
namespace {

/// "" if code generation takes it.
std::string problem_of(Type *type, SmallPtrSetImpl<const Type *> &fine) {
  if (type->isPointerTy() || type->isIntegerTy() || type->isLabelTy() || fine.contains(type)) // most are one of these
    return {};
  if (type->isScalableTy())
    return fmt::format("the scalable type '{}', which x86-64 does not have", print(*type));
  if (type->isTargetExtTy())
    return fmt::format("the type '{}' of another target", print(*type));
  fine.insert(type);
  return {};
}

/// What needs a pass of a link-time optimiser or of a front end, or leaves stack maps that would be taken for our own.
std::string problem_of(const IntrinsicInst &call) {
  const StringRef name = Intrinsic::getBaseName(call.getIntrinsicID());
  if (name.starts_with("llvm.experimental.gc.") || name == "llvm.experimental.stackmap" ||
      name.starts_with("llvm.experimental.patchpoint"))
    return fmt::format("'{}': stack maps and statepoints of the program's own are not supported", name.str());
  if (name.starts_with("llvm.type.checked.load") || name == "llvm.icall.branch.funnel")
    return fmt::format("'{}', which only a link-time optimiser resolves; compile it without -flto", name.str());
  if (name.starts_with("llvm.coro."))
    return fmt::format("'{}', which no pass has lowered; let the front end run its passes", name.str());
  if (name.starts_with("llvm.matrix."))
    return fmt::format("'{}', which no pass has lowered; compile it with -fenable-matrix", name.str());
  if (name.starts_with("llvm.call.preallocated.") || name.starts_with("llvm.ptrauth.") || name == "llvm.vscale")
    return fmt::format("'{}', which x86-64 does not have", name.str());
  if (Intrinsic::isTargetIntrinsic(call.getIntrinsicID()) && !name.starts_with("llvm.x86."))
    return fmt::format("'{}', an intrinsic of another target", name.str());
  return {};
}

bool is_known_bundle(StringRef tag) {
  return StringSwitch<bool>(tag)
      .Cases({"deopt", "funclet", "cfguardtarget", "kcfi", "convergencectrl", "clang.arc.attachedcall"}, true)
      .Default(false);
}

std::string problem_of_bundles(const CallBase &call) {
  if (isa<AssumeInst>(call))
    return {};
  for (unsigned i = 0; i < call.getNumOperandBundles(); ++i)
    if (const StringRef tag = call.getOperandBundleAt(i).getTagName(); !is_known_bundle(tag))
      return fmt::format("a call with an operand bundle '{}', whose meaning is not known", tag.str());
  return {};
}

std::string problem_of(const Instruction &instruction, SmallPtrSetImpl<const Type *> &fine) {
  if (std::string problem = problem_of(instruction.getType(), fine); !problem.empty())
    return problem;
  for (const Value *operand : instruction.operands())
    if (std::string problem = problem_of(operand->getType(), fine); !problem.empty())
      return problem;
  if (const auto *object = dyn_cast<AllocaInst>(&instruction))
    return problem_of(object->getAllocatedType(), fine);
  if (const auto *intrinsic = dyn_cast<IntrinsicInst>(&instruction))
    if (std::string problem = problem_of(*intrinsic); !problem.empty())
      return problem;
  const auto *call = dyn_cast<CallBase>(&instruction);
  return call ? problem_of_bundles(*call) : std::string();
}

std::string problem_of(const Function &function, SmallPtrSetImpl<const Type *> &fine) {
  if (function.hasGC() && none_of(GCRegistry::entries(),
                                  [&](const GCRegistry::entry &known) { return known.getName() == function.getGC(); }))
    return fmt::format("the garbage collection strategy '{}', which is not known", function.getGC());
  for (const Argument &argument : function.args())
    if (std::string problem = problem_of(argument.getType(), fine); !problem.empty())
      return problem;
  for (const Instruction &instruction : instructions(function))
    if (std::string problem = problem_of(instruction, fine); !problem.empty())
      return problem;
  return {};
}

} // namespace

Error check_input(const Module &module) {
  linkAllBuiltinGCs();
  SmallPtrSet<const Type *, 32> fine;
  for (const Function &function : module) {
    const std::string problem = function.isDeclaration() ? "" : problem_of(function, fine);
    if (!problem.empty())
      return make_error("function '{}' has {}", function.getName().str(), problem);
  }
  return Error::success();
}

} // namespace osr
