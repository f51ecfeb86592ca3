// Where a variable is at a site, as a location of DWARF: what read_value() reads from a snapshot, debuggers read by themselves.
#pragma once

#include "compiler/sites/source_table.h"
#include "runtime/stackmap/record.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/STLFunctionalExtras.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace osr {

using AddressOf = llvm::function_ref<std::optional<std::uint64_t>(const std::string &symbol)>;

/// Of a variable of `bits` bits in the frame `inlined`, whose frame base is the CFA. `parts`: all that is known of it. Empty: it is
/// nowhere, or its parts are not whole bytes, or lie on each other.
std::vector<std::uint8_t> debug_place(llvm::ArrayRef<VariableAtSite> parts, std::uint64_t bits,
                                      const FrameRecord &inlined, AddressOf address_of);

} // namespace osr
