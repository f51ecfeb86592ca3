// Programs for libc++ run in a process of their own kind.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Support/Error.h>

#include <string>
#include <vector>

namespace osr {

/// osrctl is linked against libstdc++, beside which a program for libc++ cannot run. If `program` is one, starts osrctl
/// again, with the same arguments and libc++ loaded first: then this does not return. In that process it takes libc++ out
/// of LD_PRELOAD, which the program's own children should not inherit.
///
/// To be called before other threads are there. Fails when libc++ is not installed, or when one of `paths`, from which the
/// program was read, cannot be read a second time.
llvm::Error enter_process_for(const llvm::Module &program, const std::vector<std::string> &paths);

} // namespace osr
