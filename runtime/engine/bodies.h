// Which body each function of the program has now.
#pragma once

#include "compiler/base/site.h"

#include <map>
#include <set>
#include <vector>

namespace osr {

/// A function keeps its entry for ever. A redefinition gives it another body. Bodies have ids of their own (those of
/// CanonicalProgram::functions), which are used again when a body has gone; at the beginning both numbers are the same.
/// Not thread-safe.
class Bodies {
public:
  /// Functions that come later get the numbers that follow those of all bodies.
  void grow(FunctionId functions) {
    while (current_.size() < functions)
      current_.push_back(FunctionId(current_.size()));
  }

  FunctionId entry_count() const { return FunctionId(current_.size()); }
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
  /// An old body has gone.
  void forget(FunctionId body) {
    old_.erase(body);
    entries_.erase(body);
  }

private:
  std::vector<FunctionId> current_; ///< by entry
  std::map<FunctionId, FunctionId> entries_; ///< by body; the first ones have the number of their entry
  std::set<FunctionId> old_;
};

} // namespace osr
