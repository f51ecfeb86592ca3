// Which body each function of the program has now.
#pragma once

#include "compiler/base/site.h"
#include "runtime/code/entry_id.h"

#include <map>
#include <set>
#include <vector>

namespace osr {

/// A function keeps its entry for ever. A redefinition gives it another body, and if its module is removed it has none, until
/// another module defines it. Bodies have ids of their own (those of CanonicalProgram::functions), which are used again
/// when a body has gone; the functions of a program that does not grow begin with bodies of the same numbers.
class Bodies {
public:
  /// A function that had none, or is new, has this body. New functions come one after the other.
  void begin(EntryId entry, FunctionId body) {
    if (index_of(entry) == current_.size())
      current_.push_back(body);
    current_.at(index_of(entry)) = body;
    old_.erase(body);
    entries_[body] = entry;
  }
  /// The function has no body any more: its last one is old.
  void withdraw(EntryId entry) {
    old_.insert(current_.at(index_of(entry)));
    current_.at(index_of(entry)) = no_function;
  }

  std::uint32_t entry_count() const { return std::uint32_t(current_.size()); }
  /// no_function: it was withdrawn.
  FunctionId current(EntryId entry) const { return current_.at(index_of(entry)); }
  /// False: the function was redefined; the body may be gone.
  bool is_current(FunctionId body) const {
    const EntryId entry = entry_of(body);
    return index_of(entry) < entry_count() && current(entry) == body;
  }
  /// The entry of the function that a body is or was the body of.
  EntryId entry_of(FunctionId body) const {
    auto found = entries_.find(body);
    return found == entries_.end() ? EntryId(body) : found->second;
  }
  /// Bodies that no call means any more.
  const std::set<FunctionId> &old() const { return old_; }

  void set_current(EntryId entry, FunctionId body) {
    old_.insert(current_.at(index_of(entry)));
    old_.erase(body);
    current_.at(index_of(entry)) = body;
    entries_[body] = entry;
  }
  /// An old body that may become the current one again stays, whether anything mentions it or not.
  void keep(FunctionId body) { kept_.insert(body); }
  void do_not_keep(FunctionId body) { kept_.erase(body); }
  bool is_kept(FunctionId body) const { return kept_.contains(body); }

  /// An old body has gone.
  void forget(FunctionId body) {
    old_.erase(body);
    entries_.erase(body);
  }

private:
  std::vector<FunctionId> current_; ///< by entry
  std::map<FunctionId, EntryId> entries_; ///< by body; the first ones have the number of their entry
  std::set<FunctionId> old_, kept_;
};

} // namespace osr
