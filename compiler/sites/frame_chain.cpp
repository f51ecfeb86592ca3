#include "compiler/sites/frame_chain.h"

#include "compiler/base/error.h"
#include "compiler/base/print.h"
#include "compiler/canonical/frame_state_bundle.h"
#include "compiler/sites/number_sites.h"
#include "compiler/sites/site_effects.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/DerivedTypes.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Module.h>

using namespace llvm;

namespace osr {
namespace {

const Site *find_site(const Value &operand, const CanonicalProgram &program) {
  const auto *packed = dyn_cast<ConstantInt>(&operand);
  if (!packed)
    return nullptr;
  SiteId id = SiteId::unpack(packed->getZExtValue());
  if (id.function >= program.functions.size() || !program.functions[id.function].is_numbered() ||
      id.index >= program.functions[id.function].sites().size())
    return nullptr;
  return &program.functions[id.function].sites()[id.index];
}

/// True when a frame waiting at `outer` may have called the function that `inner` is a site of.
bool can_follow(const Site &outer, const Site &inner, const CanonicalProgram &program) {
  return outer.callee.empty() || outer.callee == program.functions[inner.id.function].name;
}

/// Whether a type is printed like this. Each value of each site is asked, and nearly all are pointers and integers.
bool is_printed_as(const Type &type, StringRef text) {
  if (const auto *integer = dyn_cast<IntegerType>(&type)) {
    unsigned bits = 0;
    return text.consume_front("i") && !text.getAsInteger(10, bits) && bits == integer->getBitWidth();
  }
  if (type.isPointerTy() && type.getPointerAddressSpace() == 0)
    return text == "ptr";
  return print(type) == text;
}

} // namespace

Expected<FrameChain> read_frame_chain(const CallBase &call, const CanonicalProgram &program) {
  const auto bundle = frame_state_bundle(call);
  if (!bundle)
    return make_error("no frame state at {}", print(call));
  FrameChain chain;
  ArrayRef<Use> rest = bundle->Inputs;
  while (!rest.empty()) {
    const Site *site = find_site(*rest.front(), program);
    if (!site)
      return make_error("frame state does not begin with a site number at {}", print(call));
    if (!chain.empty() && !can_follow(*chain.back().site, *site, program))
      return make_error("a frame of '{}' follows the call of '{}' at {}", program.functions[site->id.function].name,
                        chain.back().site->callee, print(call));
    rest = rest.drop_front();
    if (rest.size() < site->state.size())
      return make_error("site {}: {} values expected, {} left at {}", site->id.index, site->state.size(), rest.size(),
                        print(call));
    ArrayRef<Use> values = rest.take_front(site->state.size());
    for (auto [value, expected] : zip(values, site->state))
      if (!is_printed_as(*value->getType(), expected.type))
        return make_error("site {}: value '{}' has type {}, expected {} at {}", site->id.index, expected.name,
                          print(*value->getType()), expected.type, print(call));
    chain.push_back({site, values});
    rest = rest.drop_front(site->state.size());
  }
  if (chain.empty())
    return make_error("empty frame state at {}", print(call));
  return chain;
}

bool begins_with_own_frame(const FrameChain &chain, const Function &function) {
  return chain.front().site->id.function == function_id(function);
}

Error verify_sites(const Function &function, const CanonicalProgram &program) {
  for (const Instruction &instruction : instructions(function)) {
    const auto *call = dyn_cast<CallBase>(&instruction);
    if (!call || !has_frame_state(*call))
      continue;
    auto chain = read_frame_chain(*call, program);
    if (!chain)
      return make_error("in function '{}': {}", function.getName().str(), toString(chain.takeError()));
    bool replaceable = program.functions[function_id(function)].pinned == PinReason::None;
    if (replaceable && !begins_with_own_frame(*chain, function))
      return make_error("in function '{}': the frame state does not begin with a frame of the function at {}",
                        function.getName().str(), print(*call));
    if (const std::string reason = replaceable ? what_hides_memory(*call) : ""; !reason.empty())
      return make_error("in function '{}': stores may wait across a site, for {}:{}", function.getName().str(), reason,
                        print(*call));
  }
  return Error::success();
}

Error verify_sites(const Module &module, const CanonicalProgram &program) {
  for (const Function &function : module)
    if (Error error = verify_sites(function, program))
      return error;
  return Error::success();
}

} // namespace osr
