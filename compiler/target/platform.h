// What this machine and its system are called, and what of a module is for them.
#pragma once

#include <llvm/ADT/StringRef.h>
#include <llvm/IR/Intrinsics.h>
#include <llvm/TargetParser/Triple.h>

namespace osr {

/// As messages call it.
const char *machine_name();
/// With the system.
const char *platform_name();
/// What code runs on that brings no features of its own.
const char *baseline_processor();
/// What front ends are told.
const char *platform_triple();

/// Modules of the same triple may say it in other words.
bool is_for_this_platform(const llvm::Triple &triple);

/// Code generation for this machine has no way to `name`, although it is LLVM's own.
bool lacks_intrinsic(llvm::StringRef name);
/// An intrinsic of another machine's.
bool is_foreign_intrinsic(llvm::Intrinsic::ID id);

} // namespace osr
