// What baseline code has counted so far, and what that says.
#pragma once

#include "compiler/sites/profile_points.h"

#include <llvm/IR/Function.h>

#include <functional>
#include <map>
#include <optional>
#include <vector>

namespace osr {

/// The points of each function keep their address until forget().
class Profile {
public:
  /// The function whose entry this is; nothing: it is none of the program's.
  using FunctionAt = std::function<const llvm::Function *(std::uint64_t address)>;

  /// Points say something when they were executed `enough` times.
  explicit Profile(std::uint32_t enough) : enough_(enough) {}
  void find_functions_by(FunctionAt function_at) { function_at_ = std::move(function_at); }

  /// Of the function's first point; they begin at 0.
  std::uint64_t points_of(const FunctionInfo &function);
  /// From now on they count anew.
  void restart(FunctionId function);
  /// There is no code of it any more, and its id will be used for another body.
  void forget(FunctionId function) { points_.erase(function); }

  /// The only value that a branch's condition had; nothing: it had both, or was asked too rarely.
  std::optional<bool> only_condition(const llvm::CallInst &point) const;

  struct Target {
    const llvm::Function *function = nullptr;
    std::uint32_t count = 0;
  };
  struct Targets {
    std::vector<Target> frequent; ///< the most frequent first
    std::uint32_t total = 0; ///< calls
    bool is_single = false; ///< there were no others
  };
  /// Functions that take a great part of the calls there. Empty if there were too few calls.
  Targets targets(const llvm::CallInst &point) const;

private:
  const ProfilePoint *find(const llvm::CallInst &point) const;

  std::uint32_t enough_;
  FunctionAt function_at_;
  std::map<FunctionId, std::vector<ProfilePoint>> points_; ///< no vector ever grows
};

} // namespace osr
