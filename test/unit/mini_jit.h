// A small JIT for tests that need real machine code and its unwind information, without the project's code session.
#pragma once

#include "runtime/code/unwind_rows.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace osr::test {

struct JitSymbol {
  std::string name;
  std::uintptr_t address;
  std::size_t size;
};

/// One linked object: its code, in memory until the MiniJit goes.
struct JitCode {
  std::uintptr_t begin = 0, end = 0;                 ///< all executable sections
  std::uintptr_t got_stubs_begin = 0, got_stubs_end = 0; ///< JITLink's `jmp *got` stubs
  std::uintptr_t eh_frame_address = 0;
  std::vector<std::uint8_t> eh_frame; ///< final bytes
  std::vector<JitSymbol> symbols;
  UnwindRows rows; ///< the stubs included
};

/// Compiles IR text at -O2 and links it into the process. Errors end the process with a message.
class MiniJit {
public:
  MiniJit();
  ~MiniJit();

  void add_ir(const std::string &ir);
  void define(const std::string &name, void *address);
  std::uintptr_t address(const std::string &name);
  template <typename F> F *function(const std::string &name) { return reinterpret_cast<F *>(address(name)); }

  /// Objects linked so far. Code is compiled when it is first looked up.
  const std::vector<std::unique_ptr<JitCode>> &objects() const { return objects_; }
  const JitCode *find(std::uintptr_t pc) const;

private:
  struct Implementation;
  std::vector<std::unique_ptr<JitCode>> objects_;
  std::unique_ptr<Implementation> implementation_;
};

/// What LLVM's own reader of .eh_frame makes of the same bytes: the row at one address in to_string's notation, or ""
/// where there is none. The oracle for UnwindRows.
std::vector<std::string> rows_by_llvm(const JitCode &code);

} // namespace osr::test
