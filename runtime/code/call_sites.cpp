#include "runtime/code/call_sites.h"

#include "compiler/base/check.h"

#include <llvm/ADT/STLExtras.h>

namespace osr {

CallSites::Callee &CallSites::callee(FunctionId function) {
  if (callees_.size() <= function)
    callees_.resize(function + 1);
  return callees_[function];
}

llvm::Error CallSites::on_link(const LinkedObject &object) {
  std::vector<FunctionId> called;
  for (const LinkedBranch &branch : object.branches) {
    const std::optional<FunctionId> function = entries_.find_entry(branch.target);
    if (!function)
      continue;
    Callee &known = callee(*function);
    known.sites.push_back(branch.displacement);
    called.push_back(*function);
    // Nobody can run the object yet, so this needs no stop; but a pending target may not be entered before its update.
    if (known.target != 0 && !known.is_pending)
      patcher_.write_displacement(branch.displacement, known.target);
  }
  size_ += called.size();
  llvm::sort(called);
  called.erase(std::unique(called.begin(), called.end()), called.end());
  if (!called.empty())
    objects_[object.code.begin] = std::move(called);
  return llvm::Error::success();
}

void CallSites::on_unload(const LinkedObject &object) {
  const auto found = objects_.find(object.code.begin);
  if (found == objects_.end())
    return;
  for (const FunctionId function : found->second)
    size_ -= std::erase_if(callees_[function].sites, [&](std::uint64_t site) { return object.code.contains(site); });
  objects_.erase(found);
}

void CallSites::redirect(FunctionId function, std::uint64_t pc) {
  Callee &redirected = callee(function);
  if (redirected.is_pending || redirected.target == pc) {
    redirected.target = pc;
    return;
  }
  redirected.target = pc;
  pending_.push_back(function);
  redirected.is_pending = true;
}

void CallSites::update() noexcept {
  if (pending_.empty())
    return;
  for (const FunctionId function : pending_) {
    Callee &redirected = callees_[function];
    for (const std::uint64_t site : redirected.sites)
      patcher_.write_displacement(site, redirected.target);
    rewritten_ += redirected.sites.size();
    redirected.is_pending = false;
  }
  pending_.clear();
  patcher_.synchronize();
}

std::size_t CallSites::bound() const {
  std::size_t count = 0;
  for (FunctionId function = 0; function != callees_.size(); ++function)
    if (const Callee &known = callees_[function];
        known.target != 0 && !known.is_pending && known.target != entries_.entry_address(function))
      count += known.sites.size();
  return count;
}

} // namespace osr
