// The program's own questions to the dynamic linker: dlsym and dlvsym.
//
// For the dynamic linker the program is not the executable, and what is in the process is more than the program's. So
// RTLD_DEFAULT and the handle of dlopen(NULL) begin with the program's own symbols, RTLD_NEXT leaves them out, and neither
// finds libraries that only the runtime needs.
#pragma once

#include "runtime/code/code_session.h"
#include "runtime/code/interposition.h"

#include <llvm/ADT/StringMap.h>

#include <vector>

namespace osr {

/// What the program defines, by name. It has to be there when the program begins, and stay.
class LoadedProgram {
public:
  /// `addresses`: where its code is, whose calls get its answers.
  LoadedProgram(Extent addresses, llvm::ArrayRef<ProgramSymbol> symbols, const Interposition &interposition,
                ProcessSymbols &process);
  ~LoadedProgram();
  LoadedProgram(const LoadedProgram &) = delete;
  LoadedProgram &operator=(const LoadedProgram &) = delete;

  /// What dlsym answers; `elsewhere` asks the dynamic linker.
  void *find(void *handle, const char *name, llvm::function_ref<void *()> elsewhere) const;

private:
  bool is_own_handle(void *handle) const;

  llvm::StringMap<std::uint64_t> symbols_;
  const Interposition &interposition_;
  ProcessSymbols &process_;
  void *executable_; ///< the handle of dlopen(NULL)
};

/// The functions that the program calls under these names.
std::vector<AbsoluteSymbol> loading_call_symbols();

} // namespace osr
