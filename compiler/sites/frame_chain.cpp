#include "compiler/sites/frame_chain.h"

#include "compiler/base/error.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/raw_ostream.h>

using namespace llvm;

namespace osr {
namespace {

template <typename T> std::string print(const T &value) {
  std::string text;
  raw_string_ostream(text) << value;
  return text;
}

const Site *find_site(const Value &operand, const CanonicalProgram &program) {
  const auto *packed = dyn_cast<ConstantInt>(&operand);
  if (!packed)
    return nullptr;
  SiteId id = SiteId::unpack(packed->getZExtValue());
  if (id.function >= program.functions.size() || id.index >= program.functions[id.function].sites.size())
    return nullptr;
  return &program.functions[id.function].sites[id.index];
}

} // namespace

Expected<FrameChain> read_frame_chain(const CallBase &call, const CanonicalProgram &program) {
  auto bundle = call.getOperandBundle(LLVMContext::OB_deopt);
  if (!bundle)
    return make_error("no frame state at {}", print(call));
  FrameChain chain;
  ArrayRef<Use> rest = bundle->Inputs;
  while (!rest.empty()) {
    const Site *site = find_site(*rest.front(), program);
    if (!site)
      return make_error("frame state does not begin with a site number at {}", print(call));
    rest = rest.drop_front();
    if (rest.size() < site->state.size())
      return make_error("site {}: {} values expected, {} left at {}", site->id.index, site->state.size(), rest.size(),
                        print(call));
    ArrayRef<Use> values = rest.take_front(site->state.size());
    for (auto [value, expected] : zip(values, site->state))
      if (print(*value->getType()) != expected.type)
        return make_error("site {}: value '{}' has type {}, expected {} at {}", site->id.index, expected.name,
                          print(*value->getType()), expected.type, print(call));
    chain.push_back({site, values});
    rest = rest.drop_front(site->state.size());
  }
  if (chain.empty())
    return make_error("empty frame state at {}", print(call));
  return chain;
}

Error verify_sites(const Module &module, const CanonicalProgram &program) {
  for (const Function &function : module)
    for (const BasicBlock &block : function)
      for (const Instruction &instruction : block) {
        const auto *call = dyn_cast<CallBase>(&instruction);
        if (!call || !call->getOperandBundle(LLVMContext::OB_deopt))
          continue;
        if (auto chain = read_frame_chain(*call, program); !chain)
          return make_error("in function '{}': {}", function.getName().str(), toString(chain.takeError()));
      }
  return Error::success();
}

} // namespace osr
