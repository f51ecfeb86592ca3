#include "runtime/threads/program_operators.h"

#include "runtime/threads/own_heap.h"

#include <llvm/ADT/STLExtras.h>

#include <array>
#include <atomic>
#include <optional>

namespace osr {
namespace {

/// By Operator.
constexpr std::array<llvm::StringLiteral, 20> names{
    "_Znwm",
    "_Znam",
    "_ZnwmRKSt9nothrow_t",
    "_ZnamRKSt9nothrow_t",
    "_ZnwmSt11align_val_t",
    "_ZnamSt11align_val_t",
    "_ZnwmSt11align_val_tRKSt9nothrow_t",
    "_ZnamSt11align_val_tRKSt9nothrow_t",
    "_ZdlPv",
    "_ZdaPv",
    "_ZdlPvm",
    "_ZdaPvm",
    "_ZdlPvRKSt9nothrow_t",
    "_ZdaPvRKSt9nothrow_t",
    "_ZdlPvSt11align_val_t",
    "_ZdaPvSt11align_val_t",
    "_ZdlPvmSt11align_val_t",
    "_ZdaPvmSt11align_val_t",
    "_ZdlPvSt11align_val_tRKSt9nothrow_t",
    "_ZdaPvSt11align_val_tRKSt9nothrow_t",
};

constinit bool are_interposed = false;
constinit std::array<std::atomic<std::uint64_t>, names.size()> operators{};

std::optional<std::size_t> find_operator(llvm::StringRef name) {
  const auto *found = llvm::find(names, name);
  return found == names.end() ? std::nullopt : std::optional<std::size_t>(found - names.begin());
}

} // namespace

bool is_operator_new_or_delete(llvm::StringRef name) { return find_operator(name).has_value(); }

bool can_replace_operators() { return are_interposed && has_own_heap(); }

void set_operators_can_be_replaced() { are_interposed = true; }

void set_program_operator(llvm::StringRef name, std::uint64_t address) {
  if (const auto index = find_operator(name))
    operators[*index].store(address, std::memory_order_relaxed);
}

std::uint64_t program_operator(Operator which) { return operators[std::size_t(which)].load(std::memory_order_relaxed); }

} // namespace osr
