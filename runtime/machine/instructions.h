// Instructions that the runtime writes, recognises or changes itself.
#pragma once

// trap_byte: what unused code memory is filled with; jump_opcode: in front of a displacement as CodePatcher writes it;
// linkage_table_cfa_offset(pc): procedure linkage tables. thunk_size and hook_way_size, of entry_table.h's thunks; choice_size,
// of interposition.h's; linker_stub_size.
#include "runtime/machine/x86_64/instructions.h"

#include <llvm/ADT/ArrayRef.h>

#include <cstdint>
#include <optional>

namespace osr {

/// Whether the displacement at this place of some code is that of a call or jump.
bool is_branch(llvm::ArrayRef<char> code, std::uint64_t displacement);

/// Turns the instruction that goes through a word, by this displacement, into one that goes directly. False if it is none that can
/// be turned.
bool make_direct(char *displacement);

/// The thunks of runtime/code/entry_table.h. What is written at `at` will run at `address`.
void write_entry_thunk(char *at, std::uint64_t address, std::uint64_t cell);
void write_hook_thunk(char *at, std::uint64_t address, std::uint32_t function, std::uint64_t way_cell);
void write_hook_way(char *at, std::uint64_t address, const void *context, std::uint64_t hook_cell);

/// The choice of runtime/code/interposition.h, with the two addresses behind it: goes on at `if_set` if the byte at `offset` from the
/// thread pointer is not 0, else at `if_clear`.
void write_choice(char *at, std::int32_t offset, std::uint64_t if_set, std::uint64_t if_clear);

/// Through which word a linker's stub goes, if this is one: linker_stub_size bytes that run at `address`.
std::optional<std::uint64_t> slot_of_linker_stub(llvm::ArrayRef<std::uint8_t> stub, std::uint64_t address);

} // namespace osr
