// What must hold before a program can be run; each is asked once, when the runtime is made.
#pragma once

#include "compiler/canonical/canonical_program.h"
#include "runtime/code/code_session.h"

#include <llvm/ADT/StringSet.h>
#include <llvm/Support/Error.h>

namespace osr {

/// Fails when there is no main, or none that can be called as `int main(int argc, char **argv, char **environ)`: as by the C library, whatever
/// takes no more than three integers and pointers, and returns an integer, a pointer or nothing (`void main()`: the status is any).
llvm::Error check_main(const CanonicalProgram &program);

/// Fails when the program brings an allocator of its own under the C library's names, or its own operator new into a process
/// that cannot tell whose blocks are whose.
llvm::Error check_allocation(const CanonicalProgram &program);

/// Fails when a symbol that the module's code refers to is defined nowhere; the error names all of them. Functions
/// are linked one by one when they are first called: this finds out before the program has done anything.
/// `to_be_defined` will be there in time. Also fails when the C++ library or the unwinder of this process is not the one
/// that the module needs.
llvm::Error check_symbols(const llvm::Module &module, CodeSession &session,
                          const llvm::StringSet<> &to_be_defined = {});

/// A handler of signals may interrupt the program anywhere: it names a way to install one, or to find one. So may one of a
/// library that comes with it, and call what the program gave to it.
bool may_handle_signals(const CanonicalProgram &program, const std::vector<std::string> &libraries);

} // namespace osr
