// Modules that go from one LLVM context to another.
//
// A context keeps named types, distinct metadata and much else for ever, so work that is done again and again in the
// program's context makes a process grow. Such work is done in a context of its own, which goes when the work is done.
#pragma once

#include <llvm/ADT/DenseMap.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/Error.h>

#include <memory>

namespace osr {

/// A module and the context that it is in.
struct ApartModule {
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> module; ///< below the context: it goes first
};

llvm::SmallVector<char, 0> to_bitcode(const llvm::Module &module);

/// The same module in another context.
llvm::Expected<std::unique_ptr<llvm::Module>> move_to_context(const llvm::Module &module, llvm::LLVMContext &context);
llvm::Expected<ApartModule> move_apart(const llvm::Module &module);

/// Loops say what they know of themselves in a distinct node each. To bring loops into a context again and again without
/// new nodes, detach() turns these into nodes that are told apart by their contents only, and attach() into distinct ones
/// again: one for all loops that say the same. Example:
///
///     LoopProperties::detach(*module);
///     auto moved = move_to_context(*module, context);
///     properties.attach(**moved);
class LoopProperties {
public:
  static void detach(llvm::Module &module);
  /// All modules must be in one context.
  void attach(llvm::Module &module);

private:
  llvm::DenseMap<const llvm::MDNode *, llvm::MDNode *> known_;
};

} // namespace osr
