// Makes gdb (and lldb) see our code: names in backtraces, frames they can step out of, and variables if somebody wants them.
//
// Debuggers read a list of in-memory ELF files at a well-known symbol, __jit_debug_descriptor. libLLVM defines it, and
// there may be only one in a process, so the list is shared with LLVM's own plugins.
#pragma once

#include "runtime/code/debug_sites.h"
#include "runtime/code/line_program.h"

#include <llvm/ADT/ArrayRef.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace osr {

/// A function, stub or thunk that gets a name.
struct DebugSymbol {
  std::string name;
  std::uint64_t address = 0;
  std::uint64_t size = 0;
};

/// A piece of code as debuggers want to know it.
struct DebugCode {
  std::uint64_t begin = 0;
  std::uint64_t size = 0;
  std::span<const DebugSymbol> symbols;
  llvm::ArrayRef<std::uint8_t> eh_frame; ///< final bytes; copied
  std::uint64_t eh_frame_address = 0; ///< where they are at run time; PC-relative pointers refer to it
  const LineProgram *lines = nullptr; ///< null: those of the only site; copied
  const DebugSites *sites = nullptr; ///< may be null; copied
};

/// An ELF file with a .text without contents at code.begin, the .eh_frame, a symbol table, and the lines and sites if there are any.
std::vector<std::uint8_t> build_debug_elf(const DebugCode &code);

/// Debuggers know a piece of code for the lifetime of this object. Thread-safe; costs some microseconds and a copy of
/// the unwind information, and a stop of the process if a debugger is attached.
class DebuggerRegistration {
public:
  DebuggerRegistration();
  explicit DebuggerRegistration(const DebugCode &code);
  DebuggerRegistration(DebuggerRegistration &&) noexcept;
  DebuggerRegistration &operator=(DebuggerRegistration &&) noexcept;
  ~DebuggerRegistration();

  /// Debuggers are told more of the same code. For perf that is nothing new.
  void tell_anew(const DebugCode &code);
  /// What they were told of lines. Not of an object without code.
  LineProgram lines() const;

private:
  struct Entry;
  std::unique_ptr<Entry> entry_;
};

} // namespace osr
