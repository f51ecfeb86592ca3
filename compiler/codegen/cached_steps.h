// The long steps of a compile, each of which is a function of its input alone: what it gave before is taken from a cache.
#pragma once

#include "compiler/canonical/canonical_program.h"
#include "compiler/codegen/code_generator.h"
#include "osr/compile_cache.h"

#include <memory>

namespace osr {

/// Thread-safe, as the cache is.
class CachedSteps {
public:
  /// Null: everything is done each time.
  explicit CachedSteps(std::shared_ptr<CompileCache> cache) : cache_(std::move(cache)) {}
  bool has_cache() const { return cache_ != nullptr; }

  /// optimize() of compiler/tiers/optimize.h. What comes from the cache is another module in the same context. With `verify_with` it is
  /// done in any case.
  llvm::Error optimize(std::unique_ptr<llvm::Module> &module, CodeGenerator &generator,
                       const CanonicalProgram *verify_with) const;

  struct Emitted {
    std::unique_ptr<llvm::MemoryBuffer> object;
    CodegenReport report;
    bool is_from_cache = false;
  };
  /// ObjectEmitter::emit().
  llvm::Expected<Emitted> emit(llvm::Module &module, CodeGenerator &generator) const;
  /// Never from the cache: code with addresses of this process in it.
  static llvm::Expected<Emitted> emit_anew(llvm::Module &module, CodeGenerator &generator);

private:
  std::shared_ptr<CompileCache> cache_;
};

} // namespace osr
