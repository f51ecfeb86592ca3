#include "compiler/sites/recursive_calls.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/Analysis/CFG.h>
#include <llvm/IR/CFG.h>
#include <llvm/IR/InstrTypes.h>

using namespace llvm;

namespace osr {
namespace {

SmallVector<CallBase *, 8> calls_of(Function &function) {
  SmallVector<CallBase *, 8> calls;
  for (User *user : function.users())
    if (auto *call = dyn_cast<CallBase>(user); call && call->getCalledFunction() == &function)
      calls.push_back(call);
  return calls;
}

/// An activation may make `second` when it has made `first`.
bool may_follow(CallBase &first, CallBase &second) {
  BasicBlock *from = first.getParent(), *to = second.getParent();
  if (from == to && first.comesBefore(&second))
    return true;
  SmallVector<BasicBlock *, 4> next(successors(from));
  return !next.empty() && isPotentiallyReachableFromMany(next, to, /*ExclusionSet=*/nullptr);
}

bool calls_itself_repeatedly(const Function &function, ArrayRef<CallBase *> calls) {
  SmallVector<CallBase *, 8> own(
      make_filter_range(calls, [&](CallBase *call) { return call->getFunction() == &function; }));
  return any_of(
      own, [&](CallBase *first) { return any_of(own, [&](CallBase *second) { return may_follow(*first, *second); }); });
}

} // namespace

void keep_recursive_calls(Module &module) {
  for (Function &function : module) {
    if (function.isDeclaration())
      continue;
    const SmallVector<CallBase *, 8> calls = calls_of(function);
    if (calls_itself_repeatedly(function, calls))
      for (CallBase *call : calls)
        call->setIsNoInline();
  }
}

} // namespace osr
