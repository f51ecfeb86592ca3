// Where a lowered record (what the compiler meant) meets the machine's stack map (where it ended up).
#pragma once

#include "compiler/codegen/compiler.h"
#include "runtime/code/unwind_rows.h"
#include "runtime/stackmap/parser.h"
#include "runtime/stackmap/record.h"

#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/Support/Error.h>

#include <cstdint>
#include <vector>

namespace osr {

struct ResolvedRecords {
  std::vector<SiteRecord> records;
  std::int32_t cfa_from_sp = 0; ///< CFA - rsp at every site of the function
};

/// Address of a symbol that a record names.
using SymbolLookup = llvm::function_ref<llvm::Expected<std::uint64_t>(llvm::StringRef)>;

/// Joins the parts of every record of `version` into CFA-relative form. `code_begin` is where offsets start. Every
/// location is validated: an impossible one is an error that names the site, never a wrong record.
llvm::Expected<ResolvedRecords> resolve_records(const CompiledVersion &version, const RawStackMap &map,
                                                const UnwindRows &rows, std::uint64_t code_begin, SymbolLookup lookup);

} // namespace osr
