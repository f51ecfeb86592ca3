// Instructions that the runtime writes, recognises or changes itself.
#pragma once

// trap_byte: what unused code memory is filled with; jump_opcode: in front of a displacement as CodePatcher writes it;
// linkage_table_cfa_offset(pc): procedure linkage tables.
#include "runtime/machine/x86_64/instructions.h"

#include <llvm/ADT/ArrayRef.h>

#include <cstdint>

namespace osr {

/// Whether the displacement at this place of some code is that of a call or jump.
bool is_branch(llvm::ArrayRef<char> code, std::uint64_t displacement);

/// Turns the instruction that goes through a word, by this displacement, into one that goes directly. False if it is none that can
/// be turned.
bool make_direct(char *displacement);

/// The thunks of runtime/code/entry_table.h. What is written at `at` will run at `address`.
inline constexpr std::uint64_t thunk_size = 16, hook_way_size = 32;
void write_entry_thunk(char *at, std::uint64_t address, std::uint64_t cell);
void write_hook_thunk(char *at, std::uint64_t address, std::uint32_t function, std::uint64_t way_cell);
void write_hook_way(char *at, std::uint64_t address, const void *context, std::uint64_t hook_cell);

} // namespace osr
