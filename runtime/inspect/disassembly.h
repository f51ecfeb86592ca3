// Machine code as text that is the same in every run: symbols instead of addresses, branches by offset.
#pragma once

#include "runtime/code/free_extents.h"

#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/Support/Error.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace osr {

struct DisassembledInstruction {
  std::uint32_t offset = 0; ///< from the beginning of the code
  std::string text;
};

struct NamedAddress {
  std::string name;
  std::uint64_t offset = 0; ///< from what has the name
};

/// Gives an address a name; nothing if it has none, such as one inside the code itself.
using NameOfAddress = llvm::function_ref<std::optional<NamedAddress>(std::uint64_t address)>;

/// Disassembles code of this process, in Intel syntax; `L1c` is the instruction at offset 0x1c. Bytes that are no
/// instruction are shown as `.byte`. Fails only when LLVM has no disassembler.
llvm::Expected<std::vector<DisassembledInstruction>> disassemble(Extent code, NameOfAddress name_of);

} // namespace osr
