// Which body each function of the program has now.
#pragma once

#include "compiler/base/site.h"

#include <map>
#include <set>
#include <vector>

namespace osr {

/// A function keeps its entry for ever. A redefinition gives it another body, and if its module is removed it has none, until
/// another module defines it. Bodies have ids of their own (those of CanonicalProgram::functions), which are used again
/// when a body has gone; the functions of a program that does not grow begin with bodies of the same numbers.
/// Not thread-safe.
class Bodies {
public:
  /// A function that had none, or is new, has this body. New functions come one after the other.
  void begin(FunctionId entry, FunctionId body) {
    if (entry == current_.size())
      current_.push_back(body);
    current_.at(entry) = body;
    old_.erase(body);
    entries_[body] = entry;
  }
  /// The function has no body any more: its last one is old.
  void withdraw(FunctionId entry) {
    old_.insert(current_.at(entry));
    current_.at(entry) = no_function;
  }

  FunctionId entry_count() const { return FunctionId(current_.size()); }
  /// no_function: it was withdrawn.
  FunctionId current(FunctionId entry) const { return current_.at(entry); }
  /// False: the function was redefined; the body may be gone.
  bool is_current(FunctionId body) const {
    const FunctionId entry = entry_of(body);
    return entry < entry_count() && current(entry) == body;
  }
  /// The entry of the function that a body is or was the body of.
  FunctionId entry_of(FunctionId body) const {
    auto found = entries_.find(body);
    return found == entries_.end() ? body : found->second;
  }
  /// Bodies that no call means any more.
  const std::set<FunctionId> &old() const { return old_; }

  void set_current(FunctionId entry, FunctionId body) {
    old_.insert(current_.at(entry));
    old_.erase(body);
    current_.at(entry) = body;
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
  std::map<FunctionId, FunctionId> entries_; ///< by body; the first ones have the number of their entry
  std::set<FunctionId> old_, kept_;
};

} // namespace osr
