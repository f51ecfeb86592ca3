#include "compiler/canonical/check_input.h"

#include "compiler/canonical/initializer_arrays.h"

#include "compiler/base/error.h"
#include "compiler/base/print.h"
#include "compiler/target/calling_conventions.h"
#include "compiler/target/platform.h"

#include <llvm/ADT/StringSwitch.h>
#include <llvm/IR/BuiltinGCs.h>
#include <llvm/IR/GCStrategy.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/Support/MathExtras.h>

using namespace llvm;

namespace osr {
namespace {

/// "" if code generation takes it.
std::string problem_of(Type *type, SmallPtrSetImpl<const Type *> &fine) {
  if (type->isPointerTy() || type->isIntegerTy() || type->isLabelTy() || fine.contains(type)) // most are one of these
    return {};
  if (type->isScalableTy())
    return fmt::format("the scalable type '{}', which {} does not have", print(*type), machine_name());
  if (type->isTargetExtTy())
    return fmt::format("the type '{}' of another target", print(*type));
  fine.insert(type);
  return {};
}

/// Intrinsics by the beginnings of their names, and why they cannot be run.
struct Unsupported {
  StringLiteral begins;
  StringLiteral why;
};
constexpr StringLiteral of_collectors = ": stack maps and statepoints of the program's own are not supported",
                        of_linkers = ", which only a link-time optimiser resolves; compile it without -flto",
                        of_passes = ", which no pass has lowered; let the front end run its passes";
constexpr Unsupported unsupported[] = {
    {"llvm.experimental.gc.", of_collectors},
    {"llvm.experimental.stackmap", of_collectors}, // would be taken for our own
    {"llvm.experimental.patchpoint", of_collectors},
    {"llvm.type.checked.load", of_linkers},
    {"llvm.icall.branch.funnel", of_linkers},
    {"llvm.coro.", of_passes},
    {"llvm.instrprof.", of_passes},
    {"llvm.allow.sanitize.", of_passes},
    {"llvm.asan.", of_passes},
    {"llvm.hwasan.", of_passes},
    {"llvm.objc.arc.annotation.", of_passes},
    {"llvm.objc.clang.arc.", of_passes},
    {"llvm.preserve.static.offset", of_passes},
    {"llvm.preserve.union.access.index", of_passes},
    {"llvm.matrix.", ", which no pass has lowered; compile it with -fenable-matrix"},
    {"llvm.eh.sjlj.setup.dispatch", ": exceptions by setjmp are not supported; compile it without -fsjlj-exceptions"},
};

/// What code generation would end the process for, or would take for our own.
std::string problem_of(const IntrinsicInst &call) {
  const StringRef name = Intrinsic::getBaseName(call.getIntrinsicID());
  for (const Unsupported &entry : unsupported)
    if (name.starts_with(entry.begins))
      return fmt::format("'{}'{}", name.str(), entry.why.str());
  if (lacks_intrinsic(name))
    return fmt::format("'{}', which {} does not have", name.str(), machine_name());
  if (is_contained({Intrinsic::convert_to_fp16, Intrinsic::convert_from_fp16}, call.getIntrinsicID()) &&
      (call.getType()->isVectorTy() || call.getArgOperand(0)->getType()->isVectorTy()))
    return fmt::format("'{}' of a vector, which code generation cannot take apart", name.str());
  if (call.getIntrinsicID() == Intrinsic::experimental_cttz_elts && !call.getType()->isIntegerTy())
    return fmt::format("'{}' with a result of type '{}', which is no number", name.str(), print(*call.getType()));
  if (is_foreign_intrinsic(call.getIntrinsicID()))
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

/// A node of the code generator has no more operands, and a value of this type is one of as many.
constexpr std::uint64_t most_parts = 65'535;

std::uint64_t parts_of(const Type *type) {
  if (const auto *array = dyn_cast<ArrayType>(type))
    return array->getNumElements() == 0
               ? 0
               : SaturatingMultiply(array->getNumElements(), parts_of(array->getElementType()));
  std::uint64_t parts = isa<StructType>(type) ? 0 : 1;
  if (const auto *structure = dyn_cast<StructType>(type))
    for (const Type *element : structure->elements())
      parts = SaturatingAdd(parts, parts_of(element));
  return parts;
}

std::string problem_of(const Instruction &instruction, SmallPtrSetImpl<const Type *> &fine) {
  if (std::string problem = problem_of(instruction.getType(), fine); !problem.empty())
    return problem;
  if (instruction.getType()->isAggregateType() && parts_of(instruction.getType()) > most_parts)
    return fmt::format("a value of {} parts; the code generator takes up to {}", parts_of(instruction.getType()),
                       most_parts);
  for (const Value *operand : instruction.operands())
    if (std::string problem = problem_of(operand->getType(), fine); !problem.empty())
      return problem;
  if (const auto *object = dyn_cast<AllocaInst>(&instruction))
    return problem_of(object->getAllocatedType(), fine);
  if (const auto *intrinsic = dyn_cast<IntrinsicInst>(&instruction))
    if (std::string problem = problem_of(*intrinsic); !problem.empty())
      return problem;
  if (const auto *pad = dyn_cast<LandingPadInst>(&instruction)) // the verifier lets that pass
    for (const Value *clause : pad->operand_values())
      if (!isa<Constant>(clause))
        return "a landing pad for types that are not constant";
  const auto *call = dyn_cast<CallBase>(&instruction);
  return call ? problem_of_bundles(*call) : std::string();
}

std::string problem_of(const Function &function, SmallPtrSetImpl<const Type *> &fine) {
  if (function.hasGC() && none_of(GCRegistry::entries(),
                                  [&](const GCRegistry::entry &known) { return known.getName() == function.getGC(); }))
    return fmt::format("the garbage collection strategy '{}', which is not known", function.getGC());
  if (!has_known_prologue(function.getCallingConv()))
    return fmt::format("the calling convention {}, of which only calls are supported", function.getCallingConv());
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
  for (const GlobalVariable &variable : module.globals())
    if (variable.hasAppendingLinkage() && !variable.getName().starts_with("llvm.") &&
        variable.getName() != preinit_list)
      return make_error("variable '{}' has appending linkage, which only LLVM's own lists may have",
                        variable.getName().str());
  return Error::success();
}

} // namespace osr
