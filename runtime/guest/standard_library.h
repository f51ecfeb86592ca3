// Which C++ standard library a program is for, and which one this process has.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Support/Error.h>

namespace osr {

/// A symbol that says the module was compiled with -stdlib=libc++; null if there is none.
const llvm::GlobalValue *find_libcxx_symbol(const llvm::Module &module);

/// True when libc++abi does what the names of the C++ runtime promise in this process (exceptions, type information,
/// memory). It does so when it was loaded first: by LD_PRELOAD, or because the host itself is linked against libc++.
bool process_uses_libcxx();

/// Fails when the module is for libc++ and this process is not: both have these names in common, but an exception of one
/// is none of the other, and the program would get some of each.
llvm::Error check_standard_library(const llvm::Module &module);

/// Fails when functions of the module let exceptions pass and another unwinder than libgcc's would carry them: only that
/// one asks the runtime about compiled code and stubs.
llvm::Error check_unwinder(const llvm::Module &module);

} // namespace osr
