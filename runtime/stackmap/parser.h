// Reads LLVM's `.llvm_stackmaps` section (format version 3), which comes from an object file and is not trusted.
#pragma once

#include "runtime/stackmap/location.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/Support/Error.h>

#include <cstdint>
#include <string>
#include <vector>

namespace osr {

struct RawFunction {
  std::uint64_t address = 0;      ///< where the function begins (0 in an object that is not linked yet)
  std::uint64_t stack_size = 0;   ///< LLVM's frame size in bytes; ~0 if not fixed. Wrong where arguments are pushed
  std::uint64_t record_count = 0; ///< how many of the records belong to this function; they follow in order
};

/// A register that is live behind a patchpoint, with the number of its bytes that count.
struct RawLiveOut {
  std::uint16_t dwarf_register = 0;
  std::uint8_t size = 0;
};

struct RawRecord {
  std::uint64_t id = 0;                 ///< first operand of the stackmap, or the "statepoint-id"
  std::uint32_t function = 0;           ///< index in RawStackMap::functions
  std::uint32_t instruction_offset = 0; ///< bytes from the function's address to the record's PC
  std::vector<RawLocation> locations;
  std::vector<RawLiveOut> live_outs;
};

struct RawStackMap {
  std::vector<RawFunction> functions;
  std::vector<RawRecord> records;
};

/// Reads the whole section. Everything is checked: counts against the bytes that are there (before memory is taken
/// for them), reserved fields and padding (must be zero), location kinds, sizes and registers, constant indices, and
/// that the functions' record counts add up. A malformed section yields an error with the byte offset of the fault,
/// never a crash; memory used is at most a small multiple of `section.size()`. Records of `stackmap`, `patchpoint`
/// and `statepoint` look alike. Several maps put one behind another by a linker are read as one; an empty section is
/// an empty map. Thread-safe.
llvm::Expected<RawStackMap> parse_stack_map(llvm::ArrayRef<std::uint8_t> section);

/// Stable text: one line per function, record, location and live-out, in the section's order.
std::string to_string(const RawStackMap &map);

} // namespace osr
