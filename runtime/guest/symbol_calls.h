// The program's own questions about frames and names: backtrace and _Unwind_Backtrace; dladdr, backtrace_symbols,
// backtrace_symbols_fd.
//
// Frames that hold objects (compiler/canonical/objects.h) are no activations, and walks leave them out.
//
// The C library knows the symbols of files only. Here compiled functions, the stubs of frames that wait for a transition
// and the entries that function pointers lead to have names too; the C library is asked about everything else.
//
//     search$optimized(search+0x1c4) [0x7f25c0a1c8d4]
//     ^ what code      ^ as natively
#pragma once

#include "runtime/code/code_registry.h"
#include "runtime/code/code_session.h"
#include "runtime/code/entry_table.h"
#include "runtime/code/free_extents.h"
#include "runtime/stack/stub_table.h"

#include <optional>
#include <utility>
#include <vector>

namespace osr {

/// Lock-free and allocation-free, so that a signal handler may ask. The parts must outlive it.
class CodeNames {
public:
  /// `addresses`: where all of the code is. `functions`: by entry.
  CodeNames(Extent addresses, const CodeRegistry &registry, const StubTable &stubs, const EntryTable &entries,
            std::vector<const char *> functions)
      : addresses_(addresses), registry_(registry), stubs_(stubs), entries_(entries), functions_(std::move(functions)) {
  }

  struct Name {
    const char *code; ///< what code
    const char *function; ///< as the program calls it
    std::uint64_t begin; ///< of the function
    std::uint64_t offset; ///< in it
  };
  /// Nothing: it is no address of compiled code.
  std::optional<Name> find(std::uint64_t address) const noexcept;

  /// Frames with a return PC in here are none of the program's. Before install().
  void hide(const Extent &code) { hidden_ = code; }
  bool is_hidden(std::uint64_t return_pc) const noexcept { return hidden_.contains(return_pc - 1); }

  /// The calls above ask this one about its addresses from now on, and for as long as it lives.
  void install();
  ~CodeNames();

private:
  Extent addresses_;
  const CodeRegistry &registry_;
  const StubTable &stubs_;
  const EntryTable &entries_;
  std::vector<const char *> functions_;
  Extent hidden_;
};

/// The functions that the program calls under these names.
std::vector<AbsoluteSymbol> symbol_call_symbols();

} // namespace osr
