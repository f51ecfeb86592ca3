// Machine code as text that is the same in every run: symbols instead of addresses, branches by offset.
#pragma once

#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/Support/Error.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace osr {

struct DisassembledInstruction {
  std::uint32_t offset = 0; ///< from the beginning of the code
  std::string text;
};

/// Gives an address outside the code a name, such as `puts` or `table+8`; nothing if it has none.
using NameOfAddress = llvm::function_ref<std::optional<std::string>(std::uint64_t address)>;

/// Disassembles `size` bytes at address `begin` of this process, in Intel syntax. Bytes that are no instruction are
/// shown as `.byte`. Fails only when LLVM has no disassembler.
llvm::Expected<std::vector<DisassembledInstruction>> disassemble(std::uint64_t begin, std::uint64_t size,
                                                                 NameOfAddress name_of);

} // namespace osr
