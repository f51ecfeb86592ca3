// What the linker hands out for one object file.
#pragma once

#include "runtime/code/free_extents.h"
#include "runtime/code/line_program.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/StringRef.h>
#include <llvm/ExecutionEngine/Orc/Core.h>

#include <cstdint>
#include <string>
#include <vector>

namespace osr {

struct LinkedFunction {
  std::string name;
  std::uint64_t address = 0;
  std::uint64_t size = 0; ///< bytes, as the object file says
};

/// A direct branch (`call`, `jmp`, conditional jump) out of the object.
struct LinkedBranch {
  std::uint64_t displacement = 0; ///< address of its 32-bit displacement
  std::uint64_t target = 0;
};

/// One object in memory. Addresses are valid until CodeSession::unload, or the end of the session. Movable plain data;
/// destroying it does not unload the object. Must be destroyed before the session.
struct LinkedObject {
  std::string name;                      ///< of the object file, for messages
  Extent code;                           ///< all executable bytes, with the linker's stubs; empty if there is no code
  Extent linker_stubs; ///< part of `code` made by the linker (`jmp *slot`); has no unwind information
  std::vector<LinkedFunction> functions; ///< ascending by address; local ones too
  std::vector<LinkedBranch> branches; ///< to symbols outside; only while observers hear of the link
  std::vector<std::uint8_t> stack_map; ///< `.llvm_stackmaps` with final function addresses; not in target memory
  Extent eh_frame; ///< `.eh_frame` at its final address, readable there
  Extent exception_tables; ///< `.gcc_except_table`, likewise
  LineProgram lines; ///< for debuggers; empty without debug information
  std::vector<llvm::orc::SymbolStringPtr> exported; ///< names that other objects may refer to
  llvm::orc::ResourceTrackerSP tracker; ///< the session's handle; null when unloaded

  llvm::ArrayRef<std::uint8_t> eh_frame_bytes() const {
    return {reinterpret_cast<const std::uint8_t *>(eh_frame.begin), std::size_t(eh_frame.size())};
  }
  /// Null if the object defines no function of this name.
  const LinkedFunction *find_function(llvm::StringRef function_name) const;
};

} // namespace osr
