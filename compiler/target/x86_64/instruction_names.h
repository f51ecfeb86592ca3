// LLVM's names of instructions and registers that are known by name: its headers do not have them, its tables do. That
// they do is looked up when the first code generator is made.
#pragma once

#include <llvm/ADT/StringRef.h>

namespace osr {

inline constexpr llvm::StringRef add_constant = "ADD64ri32", sum_of_registers = "LEA64r";
/// Their names begin so, with or without a V: of bytes and words, and of integers' slots as scalars of vector registers.
inline constexpr llvm::StringRef clearing_loads[] = {"MOVZX32rm", "MOVDI2PDI", "MOVQI2PQI"};
inline constexpr llvm::StringRef x87_accesses[] = {"LD_F", "ILD_F", "ST_F", "IST_F", "ISTT_F"}; ///< and how many bits
inline constexpr llvm::StringRef patchable_nop = "NOOPL"; ///< compiler/target/return_point.h
inline constexpr llvm::StringRef nop_register = "RAX"; ///< whichever: it is not read

} // namespace osr
