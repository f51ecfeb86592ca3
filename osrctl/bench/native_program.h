// The program as native code, to compare with: from the same bitcode, by clang -O2.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Support/Error.h>

#include <cstdint>
#include <string>
#include <vector>

namespace osr {

struct NativeOptions {
  std::string clang;                  ///< found where programs are if it has no folder
  std::vector<std::string> link_with; ///< further flags, and shared libraries
};

/// Makes the executable `path` of the linked program's bitcode. The program decides whether it is linked as C or as C++, and
/// with which of the two standard libraries.
llvm::Error make_native(const llvm::Module &program, const std::string &bitcode, const std::string &path,
                        const NativeOptions &options);

/// Bytes of instructions in an executable.
std::uint64_t code_bytes_of(const std::string &path);

} // namespace osr
