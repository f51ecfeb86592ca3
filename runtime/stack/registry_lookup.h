// The walk's view of code, made from the code registry and the entry thunks.
#pragma once

#include "runtime/code/code_registry.h"
#include "runtime/code/entry_table.h"
#include "runtime/stack/code_lookup.h"

namespace osr {

/// Lock-free and allocation-free, as its parts. The parts must outlive it; `entries` may be null.
class RegistryLookup final : public CodeLookup {
public:
  explicit RegistryLookup(const CodeRegistry &registry, const EntryTable *entries = nullptr)
      : registry_(registry), entries_(entries) {}

  CodeView find_code(std::uintptr_t pc) const override {
    if (const CodeObject *object = registry_.find(pc))
      return view_of(*object);
    if (entries_ && entries_->contains(pc))
      return {nullptr, pc, &thunk_rows_};
    return {};
  }
  CodeView view_of(const CodeObject &object) const override { return {&object, object.code_begin, &object.rows}; }
  std::optional<std::int32_t> site_cfa_from_sp(const CodeObject &object, std::uintptr_t return_pc) const override {
    if (!object.sites.contains(object.offset_of(return_pc)))
      return std::nullopt;
    return object.cfa_from_sp;
  }

private:
  static UnwindRows one_instruction() {
    const UnwindRange range{0, 1, UnwindRow::leaf()};
    return llvm::cantFail(UnwindRows::from_ranges({&range, 1}));
  }

  const CodeRegistry &registry_;
  const EntryTable *entries_;
  const UnwindRows thunk_rows_ = one_instruction(); ///< a thunk pushes nothing, so one row serves every pc in it
};

} // namespace osr
