// Copies single functions out of a module into a module of their own: one code object per function and version.
#pragma once

#include "compiler/canonical/canonical_program.h"

#include <llvm/ADT/DenseSet.h>
#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/IR/Module.h>
#include <llvm/Transforms/Utils/ValueMapper.h>

#include <memory>
#include <string>

namespace osr {

/// Metadata no part of which belongs to a module: loop properties, alias information and branch weights are like this. What
/// was found out is remembered for as long as the context lives, which keeps such nodes. All functions of a program share a
/// few graphs, and these are large where the program has large types.
class IndependentMetadata {
public:
  bool contains(const llvm::MDNode &node);

private:
  llvm::DenseSet<const llvm::MDNode *> known_; ///< only those that are
};

/// Builds a module around a clone of one function.
///
/// Everything the function refers to becomes a declaration, except constants that exist nowhere else (tables made by
/// the optimiser), which are copied, and except what `visible_body` asks for.
class Extractor {
public:
  /// `from` must outlive the extractor. `name` names the new module.
  Extractor(const llvm::Module &from, llvm::StringRef name);

  /// What is known about the metadata of that module's context; it must outlive the extractor. Without, it is found out anew.
  void use(IndependentMetadata &known) { shared_ = &known; }

  /// Also give the optimiser the initialisers of constants and the bodies of callees that are worth inlining.
  void show_constants() { show_constants_ = true; }
  void show_callee(const llvm::Function &callee) { shown_callees_.push_back(&callee); }

  /// Named struct types become literal ones. An LLVM context keeps each named type that was ever read into it.
  void make_types_literal() { literal_types_ = true; }

  /// Clones `function` as external definition `name`. Call once.
  llvm::Function &clone(const llvm::Function &function, llvm::StringRef name);

  /// Clones the bodies of the shown callees as available_externally and hands the module over.
  std::unique_ptr<llvm::Module> finish();

private:
  llvm::Value *materialize(llvm::Value *value);
  llvm::Value *materialize_global(const llvm::GlobalVariable &global);
  void clone_body(const llvm::Function &from, llvm::Function &to);

  struct Materializer final : llvm::ValueMaterializer {
    explicit Materializer(Extractor &extractor) : extractor(extractor) {}
    llvm::Value *materialize(llvm::Value *value) override { return extractor.materialize(value); }
    Extractor &extractor;
  };

  struct LiteralTypes final : llvm::ValueMapTypeRemapper {
    llvm::Type *remapType(llvm::Type *type) override;
    llvm::DenseMap<llvm::Type *, llvm::Type *> known;
  };
  llvm::Type *type_of(llvm::Type *type) { return literal_types_ ? types_.remapType(type) : type; }
  void share_lines(llvm::DISubprogram &subprogram);

  IndependentMetadata found_here_, *shared_ = &found_here_;
  std::unique_ptr<llvm::Module> module_;
  llvm::ValueToValueMapTy map_;
  Materializer materializer_{*this};
  const llvm::Function *cloned_ = nullptr;
  std::vector<const llvm::Function *> shown_callees_;
  LiteralTypes types_;
  bool show_constants_ = false, literal_types_ = false;
};

} // namespace osr
