// What an interpreter of the host's gives to compiled code that it enters in the middle (Runtime::enter_at).
#pragma once

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/STLFunctionalExtras.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace osr {

/// The bytes of one value of a frame state, as a store of the value writes them.
using EnteredValue = std::span<const std::byte>;

/// A local object in memory that the activation has: fresh, and zero.
struct EnteredObject {
  std::string_view name; ///< of the alloca; empty: it had none, or the module's context keeps none
  std::span<std::byte> bytes; ///< where it lies; as long as the activation
  std::optional<std::size_t> value; ///< the first value of the point's bundle that is its address (enter_at_point)
};

/// Writes what the interpreter has for them, before control enters. In the thread that enters, without any lock; it may throw, and then
/// nothing is entered. Null: nobody does, and what needs that is not entered.
using FillObjects = llvm::function_ref<void(llvm::ArrayRef<EnteredObject>)>;

} // namespace osr
