#include "compiler/tiers/inline_candidates.h"

#include "compiler/sites/poll_places.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/InstIterator.h>

using namespace llvm;

namespace osr {
namespace {

constexpr unsigned max_shown_callees = 24;

SmallVector<const Function *, 3> callees_at(const CallBase &call, const Profile *profile) {
  if (const Function *callee = call.getCalledFunction()) {
    const auto *point = dyn_cast<CallInst>(&call);
    if (!point || !is_profile_point(*point))
      return {callee};
    SmallVector<const Function *, 3> found;
    if (profile && counts_targets(*point))
      for (const Profile::Target &target : profile->targets(*point).frequent)
        found.push_back(target.function);
    return found;
  }
  return {};
}

bool says_something(const CallInst &point, const Profile &profile) {
  if (counts_targets(point))
    return any_of(profile.targets(point).frequent,
                  [](const Profile::Target &target) { return may_be_inlined(*target.function); });
  const std::optional<bool> only = profile.only_condition(point);
  return only && may_give_up(point, !*only);
}

} // namespace

bool may_be_inlined(const Function &function) {
  return !function.isDeclaration() && !function.hasFnAttribute(Attribute::NoInline) && may_fit_inline(function);
}

SmallSetVector<const Function *, 16> inline_candidates(const Function &root, const Profile *profile) {
  SmallSetVector<const Function *, 16> found;
  std::vector<const Function *> queue{&root};
  for (std::size_t next = 0; next < queue.size(); ++next)
    for (const Instruction &instruction : instructions(*queue[next]))
      if (const auto *call = dyn_cast<CallBase>(&instruction))
        for (const Function *callee : callees_at(*call, profile))
          if (found.size() < max_shown_callees && may_be_inlined(*callee) && found.insert(callee))
            queue.push_back(callee);
  return found;
}

bool has_guess(ArrayRef<const Function *> functions, const Profile &profile) {
  return any_of(functions, [&](const Function *function) {
    return any_of(instructions(*function), [&](const Instruction &instruction) {
      const auto *call = dyn_cast<CallInst>(&instruction);
      return call && is_profile_point(*call) && says_something(*call, profile);
    });
  });
}

} // namespace osr
