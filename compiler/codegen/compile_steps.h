// What the ways to compile a version have in common.
#pragma once

#include "compiler/base/error.h"
#include "compiler/tiers/count_residence.h"

#include <llvm/IR/Module.h>

#include <atomic>
#include <cstdint>

namespace osr {

/// LLVM's verifier, as an error that names the stage.
llvm::Error check_module(const llvm::Module &module, llvm::StringRef stage);

inline std::uint64_t address_of(const std::atomic<std::uint64_t> &counter) {
  return reinterpret_cast<std::uint64_t>(&counter);
}

} // namespace osr
