#include "runtime/code/call_sites.h"

#include "compiler/base/check.h"

#include <llvm/ADT/STLExtras.h>

namespace osr {

CallSites::Callee &CallSites::callee(EntryId entry) {
  if (callees_.size() <= index_of(entry))
    callees_.resize(index_of(entry) + 1);
  return callees_[index_of(entry)];
}

llvm::Error CallSites::on_link(const LinkedObject &object) {
  std::vector<EntryId> called;
  for (const LinkedBranch &branch : object.branches) {
    const std::optional<EntryId> entry = entries_.find_entry(branch.target);
    if (!entry)
      continue;
    Callee &known = callee(*entry);
    known.sites.push_back(branch.displacement);
    called.push_back(*entry);
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
  for (const EntryId entry : found->second)
    size_ -=
        std::erase_if(callees_[index_of(entry)].sites, [&](std::uint64_t site) { return object.code.contains(site); });
  objects_.erase(found);
}

void CallSites::redirect(EntryId entry, std::uint64_t pc) {
  Callee &redirected = callee(entry);
  if (redirected.is_pending || redirected.target == pc) {
    redirected.target = pc;
    return;
  }
  redirected.target = pc;
  pending_.push_back(entry);
  redirected.is_pending = true;
}

void CallSites::update() noexcept {
  if (pending_.empty())
    return;
  for (const EntryId entry : pending_) {
    Callee &redirected = callees_[index_of(entry)];
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
  for (std::uint32_t i = 0; i != callees_.size(); ++i)
    if (const Callee &known = callees_[i];
        known.target != 0 && !known.is_pending && known.target != entries_.entry_address(EntryId(i)))
      count += known.sites.size();
  return count;
}

} // namespace osr
