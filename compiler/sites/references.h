// References: pointers of the address spaces that the embedder's collector looks after.
//
// A reference is an ordinary value of a frame state; the collector finds it, and may change it, where the record says that it
// is. One that was computed from another one, the address of a field, say, is *derived*: it moves along with the object that
// it points into. So the object's own address, its *base*, is live wherever the derived one is:
//
//      %field = getelementptr i8, ptr addrspace(1) %object, i64 %i        base: %object
//      %next  = phi [ %object, ... ], [ %field, ... ]                     base: a phi that is made for it
//
// What is an argument, was loaded, or was returned by a call is taken for the address of an object itself.
//
// Memory that is not the collector's hides references: local objects may not hold any, nor frames that are never replaced.
#pragma once

#include "compiler/canonical/canonical_program.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/DenseMap.h>
#include <llvm/IR/Function.h>
#include <llvm/Support/Error.h>

namespace osr {

/// A pointer of one of these address spaces.
bool is_reference(const llvm::Type &type, llvm::ArrayRef<unsigned> spaces);

/// Some argument or instruction is a reference, or an aggregate or vector with one in it.
bool uses_references(const llvm::Function &function, llvm::ArrayRef<unsigned> spaces);

/// What each derived reference of a function was computed from.
class ReferenceBases {
public:
  /// Gives the function the phis and selects that bases need.
  ReferenceBases(llvm::Function &function, llvm::ArrayRef<unsigned> spaces);

  /// The value itself if it is no reference, or no derived one. Never a derived one.
  llvm::Value *base_of(llvm::Value &value) const;

private:
  bool is_derived(const llvm::Value &value) const { return derived_from_.contains(&value); }
  void find_derived(llvm::Function &function, llvm::ArrayRef<unsigned> spaces);
  void make_base(llvm::Instruction &joined);

  /// Derived values, and what each was computed from; null: phis and selects, which have several.
  llvm::DenseMap<const llvm::Value *, llvm::Value *> derived_from_;
  llvm::DenseMap<const llvm::Value *, llvm::Value *> bases_; ///< of phis and selects
};

/// Whether a collector finds all references of a function whose sites are numbered. The error names what would hide one.
llvm::Error check_references(const llvm::Function &function, const FunctionInfo &info, llvm::ArrayRef<unsigned> spaces);

} // namespace osr
