// Thread-local variables that shared libraries define, such as those behind std::call_once. Private to runtime/code.
//
// Code of the program reaches every thread-local variable through a control object and a function of the compiler's
// support library ("emulated"):
//
//   __emutls_get_address(&__emutls_v.x)  ──►  size, alignment, index, initial value  ──►  the thread's own x
//
// A library's variable has no control object: it lies in the library's thread-local segment. It is given one here, with
// an alignment that no variable has and the place in the segment where an index would be; and the function that the
// program gets under that name tells the two kinds apart.
#pragma once

#include <llvm/ExecutionEngine/Orc/Core.h>

#include <cstdint>
#include <deque>
#include <optional>

namespace osr {

/// As compiler and support library have it.
struct ThreadLocalControl {
  std::uint64_t size = 0, alignment = 0; ///< 0: of a library
  std::uint64_t index = 0; ///< of a library: the segment's number
  std::uint64_t initial_value = 0; ///< of a library: where in the segment
};

/// What the program calls as `__emutls_get_address`.
void *thread_local_address(ThreadLocalControl *control);

/// Where a library's thread-local variable lies; nothing if no library defines one of that name.
std::optional<ThreadLocalControl> find_library_thread_local(const char *name);

/// Makes control objects when code that needs them is linked.
class LibraryThreadLocals final : public llvm::orc::DefinitionGenerator {
public:
  static constexpr llvm::StringRef prefix = "__emutls_v.";

  llvm::Error tryToGenerate(llvm::orc::LookupState &, llvm::orc::LookupKind, llvm::orc::JITDylib &dylib,
                            llvm::orc::JITDylibLookupFlags, const llvm::orc::SymbolLookupSet &symbols) override;

private:
  std::deque<ThreadLocalControl> controls_; ///< linked code holds their addresses
};

} // namespace osr
