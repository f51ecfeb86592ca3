// The program's own definitions take the place of those in shared libraries, as the dynamic linker has it for an
// executable that exports its symbols.
//
// The libraries are bound already, to one another. So what the dynamic linker wrote is written again: each word of a
// library of the program that a relocation binds to a name which the program defines. For libraries to come, and for
// dlsym, the symbol tables say so too.
//
// The runtime is in the same process, and libraries work for it as well as for the program. A library's call of a
// replaced function leads to
//
//     choice:  cmp  fs:[runs_program], 0        whom does this thread work for?
//              je   +6
//              jmp  *program's
//              jmp  *library's
//
// so that nothing of the runtime ever reaches the program. Libraries that only the runtime needs are not touched at all.
// Operators new and delete have another way (runtime/threads/program_operators.h).
#pragma once

#include "runtime/code/process_symbols.h"
#include "runtime/code/slab_arena.h"
#include "runtime/code/symbol_file.h"

#include <llvm/ADT/StringMap.h>
#include <llvm/Support/Error.h>

#include <optional>
#include <string>
#include <vector>

namespace osr {

/// Libraries have what they had when it is destroyed; no thread may be in them on the program's behalf. Not thread-safe
/// but for find_original and shown_address.
class Interposition {
public:
  /// `runs_program_offset`: of the thread's byte that says for whom it works (own_heap.h), from the thread pointer.
  Interposition(ProcessSymbols &process, SlabArena &arena, std::int64_t runs_program_offset)
      : process_(process), arena_(arena), runs_program_offset_(runs_program_offset) {}

  ~Interposition();
  Interposition(const Interposition &) = delete;
  Interposition &operator=(const Interposition &) = delete;

  enum class Later : std::uint8_t { NothingIsLoaded, LibrariesMayBeLoaded };

  /// Binds the libraries of the program to `definitions`, the program's. Nothing is bound when it fails, which names what
  /// cannot be.
  llvm::Error bind(llvm::ArrayRef<ProgramSymbol> definitions, Later later);

  /// What the libraries have under this name; 0 if it is not replaced.
  std::uint64_t find_original(llvm::StringRef name) const;
  /// What libraries are given for the program's definition; `address` itself if nothing has to be chosen.
  std::uint64_t shown_address(llvm::StringRef name, std::uint64_t address) const;

private:
  struct Binding {
    std::uint64_t original = 0; ///< 0: no library defines it
    std::uint64_t shown = 0;
    bool is_function = true;
  };
  struct Write {
    std::uint64_t address;
    std::vector<std::uint8_t> bytes;
    bool is_protected; ///< the page is read-only
  };

  llvm::Error find_bindings(const ProcessSymbols::Objects &objects, llvm::ArrayRef<ProgramSymbol> definitions,
                            Later later);
  llvm::Error add_binding(const ProgramSymbol &definition);
  llvm::Expected<std::uint64_t> make_choice(std::uint64_t program, std::uint64_t library);
  void rebind(const SharedObject &object, std::vector<Write> &writes) const;
  void rename(const SharedObject &object, std::vector<Write> &writes) const;
  llvm::Error write(const Write &write);
  std::optional<std::uint64_t> bound_address(const SharedObject &object, const Elf64_Sym &symbol) const;

  ProcessSymbols &process_;
  SlabArena &arena_;
  std::int64_t runs_program_offset_;
  llvm::StringMap<Binding> bindings_;
  std::vector<Write> before_; ///< what was overwritten
};

} // namespace osr
