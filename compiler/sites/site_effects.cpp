#include "compiler/sites/site_effects.h"

#include "compiler/base/error.h"
#include "compiler/base/print.h"
#include "compiler/canonical/frame_state_bundle.h"

#include <llvm/IR/InstIterator.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/ModRef.h>

using namespace llvm;

namespace osr {
namespace {

/// Metadata of a call that says nothing about memory. Whatever else there is, or will be, goes.
constexpr unsigned harmless_metadata[] = {
    LLVMContext::MD_prof,    LLVMContext::MD_range,           LLVMContext::MD_nonnull,
    LLVMContext::MD_align,   LLVMContext::MD_dereferenceable, LLVMContext::MD_dereferenceable_or_null,
    LLVMContext::MD_callees, LLVMContext::MD_noundef};

/// Metadata by which LLVM tells memory apart. Optimisation may add other kinds that mean nothing here.
constexpr unsigned narrowing_metadata[] = {LLVMContext::MD_alias_scope,    LLVMContext::MD_noalias,
                                           LLVMContext::MD_tbaa,           LLVMContext::MD_tbaa_struct,
                                           LLVMContext::MD_invariant_load, LLVMContext::MD_invariant_group,
                                           LLVMContext::MD_access_group,   LLVMContext::MD_mem_parallel_loop_access};

bool reads_everything(MemoryEffects effects) {
  return all_of(MemoryEffects::locations(),
                [&](IRMemLocation location) { return isRefSet(effects.getModRef(location)); });
}

} // namespace

void read_all_memory(CallBase &call) {
  if (const AttributeList attributes = call.getAttributes(); attributes.hasFnAttr(Attribute::Memory))
    call.setMemoryEffects(attributes.getMemoryEffects() | MemoryEffects::readOnly());
  call.dropUnknownNonDebugMetadata(harmless_metadata);
}

std::string what_hides_memory(const CallBase &call) {
  if (!reads_everything(call.getMemoryEffects()))
    return "its attributes say that it reads only some memory";
  for (unsigned kind : narrowing_metadata)
    if (call.hasMetadata(kind))
      return "its metadata say which memory it reads";
  if (const Function *callee = call.getCalledFunction(); callee && callee->isSpeculatable())
    return "it may be executed where control never comes";
  return {};
}

Error check_site_effects(const Module &module) {
  // LLVM knows all accesses to a local variable whose address nobody takes, and calls of unknown functions are none.
  for (const GlobalVariable &variable : module.globals())
    if (variable.hasLocalLinkage() && !variable.isConstant())
      return make_error("the variable '{}' is local to a single piece of code", variable.getName().str());
  for (const Function &function : module)
    for (const Instruction &instruction : instructions(function))
      if (const auto *call = dyn_cast<CallBase>(&instruction); call && has_frame_state(*call))
        if (const std::string reason = what_hides_memory(*call); !reason.empty())
          return make_error("in function '{}': stores may wait across a site, for {}:{}", function.getName().str(),
                            reason, print(*call));
  return Error::success();
}

} // namespace osr
