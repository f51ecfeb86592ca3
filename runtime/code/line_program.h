// The source lines of one object file: DWARF's line number program, which debuggers read.
#pragma once

#include <llvm/Support/MemoryBufferRef.h>

#include <cstdint>
#include <string>
#include <vector>

namespace osr {

struct LinkedObject;

/// `.debug_line` and the strings that it refers to. Empty if the object says nothing about lines.
struct LineProgram {
  std::vector<std::uint8_t> program, strings;

  bool empty() const { return program.empty(); }
};

/// A line program whose addresses are not final yet.
struct UnlinkedLines {
  LineProgram lines;
  struct Address {
    std::uint64_t place;  ///< in the program: 8 bytes
    std::uint64_t offset; ///< in the section with the code
  };
  std::vector<Address> addresses;
  std::string function; ///< one of this section
  std::uint64_t function_offset = 0;
};

/// What an object file says; nothing if it says it in a way that the code generator here does not have, such as for code
/// in several sections: lines are never worth a failure.
UnlinkedLines read_lines(llvm::MemoryBufferRef object);

/// With the addresses of the linked object.
LineProgram place_lines(UnlinkedLines unlinked, const LinkedObject &object);

/// DWARF's description of a unit of code that has nothing but lines.
struct DebugUnit {
  std::vector<std::uint8_t> info, abbreviations;
};
DebugUnit describe_unit(std::uint64_t code_begin, std::uint64_t code_size);

} // namespace osr
