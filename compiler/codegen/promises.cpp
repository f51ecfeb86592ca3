#include "compiler/codegen/promises.h"

#include "compiler/base/error.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/DataLayout.h>

#include <array>

using namespace llvm;

namespace osr {
namespace {

/// Attributes by which nobody's code gets wrong when they go: wishes, and how the body itself is to be compiled.
bool is_promise(Attribute attribute) {
  if (attribute.isStringAttribute())
    return false;
  switch (attribute.getKindAsEnum()) {
  case Attribute::AlwaysInline:
  case Attribute::Cold:
  case Attribute::Hot:
  case Attribute::InlineHint:
  case Attribute::MinSize:
  case Attribute::MustProgress:
  case Attribute::NoInline:
  case Attribute::NoRecurse:
  case Attribute::NonLazyBind:
  case Attribute::OptimizeForSize:
  case Attribute::OptimizeNone:
  case Attribute::StackProtect:
  case Attribute::StackProtectReq:
  case Attribute::StackProtectStrong:
  case Attribute::UWTable: return false;
  default: return true;
  }
}

/// Attributes that the optimiser adds because of what it saw in bodies (LLVM's FunctionAttrs).
bool is_inferable(Attribute attribute) {
  if (attribute.isStringAttribute())
    return false;
  switch (attribute.getKindAsEnum()) {
  case Attribute::Captures:
  case Attribute::Initializes:
  case Attribute::Memory:
  case Attribute::NoAlias:
  case Attribute::NoFree:
  case Attribute::NoRecurse:
  case Attribute::NoReturn:
  case Attribute::NoSync:
  case Attribute::NoUndef:
  case Attribute::NoUnwind:
  case Attribute::NonNull:
  case Attribute::ReadNone:
  case Attribute::ReadOnly:
  case Attribute::Returned:
  case Attribute::WillReturn:
  case Attribute::WriteOnly: return true;
  default: return false;
  }
}

/// Types of two modules that were read into one context have different names, and what an argument's type says to callers
/// is how much memory it stands for.
bool is_as_large(Type *one, Type *other, const DataLayout &layout) {
  return one->isSized() && other->isSized() && layout.getTypeAllocSize(one) == layout.getTypeAllocSize(other) &&
         layout.getABITypeAlign(one) == layout.getABITypeAlign(other);
}

bool is_kept(unsigned index, Attribute promise, AttributeList by, MemoryEffects promised_effects,
             const DataLayout &layout) {
  const Attribute::AttrKind kind = promise.getKindAsEnum();
  if (kind == Attribute::Memory)
    return (promised_effects | by.getMemoryEffects()) == promised_effects;
  const Attribute kept = by.getAttributeAtIndex(index, kind);
  if (promise.isTypeAttribute() && kept.isTypeAttribute())
    return is_as_large(promise.getValueAsType(), kept.getValueAsType(), layout);
  return kept.getAsString() == promise.getAsString(); // of another context, maybe: they are never the same object
}

} // namespace

Error check_promises(AttributeList promised, const Function &old, const Function &body, AttributeList declared) {
  if (old.doesNotReturn())
    promised = promised.addFnAttribute(old.getContext(), Attribute::NoReturn);
  for (unsigned index : promised.indexes())
    for (Attribute promise : promised.getAttributes(index))
      if (is_promise(promise) && none_of(std::array{body.getAttributes(), declared}, [&](AttributeList by) {
            return is_kept(index, promise, by, promised.getMemoryEffects(), body.getDataLayout());
          }))
        return make_error(
            "the new body lacks the attribute '{}', on which callers may rely (a front end that optimises infers "
            "such; what is to be redefined freely is compiled with -O1 -Xclang -disable-llvm-passes)",
            promise.getAsString());
  return Error::success();
}

void drop_inferred_attributes(Function &function, AttributeList declared) {
  const AttributeList all = function.getAttributes();
  AttributeList kept = all;
  for (unsigned index : all.indexes())
    for (Attribute attribute : all.getAttributes(index))
      if (is_inferable(attribute) && declared.getAttributeAtIndex(index, attribute.getKindAsEnum()) != attribute)
        kept = kept.removeAttributeAtIndex(function.getContext(), index, attribute.getKindAsEnum());
  function.setAttributes(kept);
}

} // namespace osr
