#include "compiler/canonical/check_canonical.h"

#include "compiler/base/check.h"
#include "compiler/base/print.h"
#include "compiler/canonical/gather_objects.h"
#include "compiler/canonical/objects.h"

#include <llvm/IR/Instructions.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>

using namespace llvm;

namespace osr {
namespace {

/// An object address stands in the block of its push, with nothing but other addresses in between.
bool follows_its_push(const Instruction &address) {
  for (const Instruction *at = address.getPrevNode(); at; at = at->getPrevNode()) {
    if (is_object_frame(at))
      return at == frame_of_object(&address);
    if (!is_object_address(at))
      return false;
  }
  return false;
}

void check_instruction(const Instruction &instruction) {
  std::string name = instruction.getFunction()->getName().str();
  OSR_CHECK((!isa<AllocaInst, IndirectBrInst, CallBrInst>(instruction)), "'{}' contains{}", name, print(instruction));
  for (const Value *operand : instruction.operands())
    OSR_CHECK(!isa<BlockAddress>(operand), "'{}' uses a block address in{}", name, print(instruction));
  if (const auto *call = dyn_cast<CallBase>(&instruction))
    for (unsigned i = 0; i < call->arg_size(); ++i)
      OSR_CHECK(!call->paramHasAttr(i, Attribute::StructRet), "'{}' has a struct return in{}", name, print(*call));
  if (is_object_address(&instruction))
    OSR_CHECK(follows_its_push(instruction), "'{}' has an object address away from its push: {}", name,
              print(instruction));
}

} // namespace

void check_symbols(const Module &module) {
  for (const GlobalObject &object : module.global_objects()) {
    OSR_CHECK(object.hasName(), "a global has no name: {}", print(object));
    if (!object.isDeclaration() && !object.getName().starts_with("llvm."))
      OSR_CHECK(object.hasExternalLinkage() && !object.isDSOLocal(), "'{}' is not external", object.getName().str());
  }
  OSR_CHECK(module.alias_empty() && module.ifunc_empty(), "an alias or ifunc is left");
}

void check_canonical(const Function &function, const FunctionInfo &info) {
  std::string text;
  raw_string_ostream stream(text);
  const bool broken = verifyFunction(function, &stream);
  OSR_CHECK(!broken, "canonical IR is invalid: {}", text);
  OSR_CHECK(has_gathered_objects(function), "'{}' has objects behind other instructions", info.name);
  if (info.pinned != PinReason::None)
    return;
  for (const Argument &argument : function.args())
    OSR_CHECK(!argument.hasStructRetAttr(), "'{}' has a struct return", info.name);
  for (const BasicBlock &block : function)
    for (const Instruction &instruction : block)
      check_instruction(instruction);
}

} // namespace osr
