#include "compiler/canonical/canonical_program.h"

#include "compiler/base/check.h"
#include "compiler/base/error_code.h"

#include <llvm/ADT/STLExtras.h>

using namespace llvm;

namespace osr {

const char *to_string(PinReason reason) {
  switch (reason) {
  case PinReason::None: return "";
  case PinReason::ReturnsTwice: return "calls a function that can return twice, like setjmp";
  case PinReason::VariableArguments: return "reads its own variable arguments or hands them on";
  case PinReason::Naked: return "is naked";
  case PinReason::FrameAddress: return "uses the address of its own frame";
  case PinReason::ExceptionHandling: return "handles exceptions by funclets or of types without names";
  case PinReason::ExceptionTables:
    return "handles exceptions of D, whose runtime remembers the tables of the code that they landed in";
  case PinReason::AsmGoto: return "contains inline assembly that jumps";
  case PinReason::ResultInMemory: return "returns a value that does not fit into registers";
  case PinReason::ArgumentKind: return "has or passes an argument of a kind that lives in the frame";
  case PinReason::CallingConvention: return "uses a calling convention other than C";
  case PinReason::RealignedFrame: return "passes an over-aligned argument on the stack, or gets such a result";
  case PinReason::ObjectKind: return "has a local object that cannot leave the frame";
  case PinReason::TailCallByValue: return "makes a guaranteed tail call with arguments on the stack";
  case PinReason::LargeAggregate: return "handles an aggregate with too many members as one value";
  }
  OSR_CHECK(false, "unknown pin reason {}", int(reason));
  return "";
}

const FunctionInfo *CanonicalProgram::find_function(StringRef name) const {
  const Function *function = module->getFunction(name);
  return function && !function->isDeclaration() ? &info_of(*function) : nullptr;
}

const FunctionInfo *CanonicalProgram::find_aliased_function(StringRef name) const {
  for (const Alias &alias : aliases)
    if (alias.name == name && alias.offset == 0)
      return find_function(alias.target);
  return find_function(name);
}

bool CanonicalProgram::defines(StringRef name) const {
  const GlobalValue *value = module->getNamedValue(name);
  return (value && !value->isDeclaration()) || any_of(aliases, [&](const Alias &alias) { return alias.name == name; });
}

const std::vector<Site> &FunctionInfo::sites() const {
  OSR_CHECK(is_numbered(), "the sites of '{}' are not numbered", name);
  return *numbered_sites;
}

Expected<const Site *> find_site(const FunctionInfo &function, std::uint32_t index) {
  if (function.pinned != PinReason::None)
    return make_error("'{}' has no sites: it is never replaced because it {}", function.name,
                      to_string(function.pinned));
  if (function.sites().empty())
    return make_error(ErrorCode::Unknown, "'{}' has no sites, so there is no #{}", function.name, index);
  if (index >= function.sites().size())
    return make_error(ErrorCode::Unknown, "'{}' has the sites #0 to #{}, there is no #{}", function.name,
                      function.sites().size() - 1, index);
  const Site &site = function.sites()[index];
  if (!site.is_replaceable())
    return make_error("site {}#{} is never replaced: {}", function.name, index, to_string(site.refusal));
  return &site;
}

const FunctionInfo &CanonicalProgram::info_of(const Function &function) const {
  FunctionId id = 0;
  bool failed = function.getFnAttribute(function_id_attribute).getValueAsString().getAsInteger(10, id);
  OSR_CHECK(!failed, "function '{}' carries no function id", function.getName().str());
  OSR_CHECK(id < functions.size(), "function '{}' has id {} of {}", function.getName().str(), id, functions.size());
  return functions[id];
}

FunctionInfo &CanonicalProgram::info_of(const Function &function) {
  return const_cast<FunctionInfo &>(std::as_const(*this).info_of(function));
}

} // namespace osr
