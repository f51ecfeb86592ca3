// Compiles a few lines of IR to an ELF object, in memory.
#pragma once

#include <llvm/ADT/StringRef.h>
#include <llvm/Support/MemoryBuffer.h>

#include <memory>

namespace osr::test {

/// An object file of `ir`, position-independent, at -O1. A mistake in the IR ends the process with LLVM's message.
std::unique_ptr<llvm::MemoryBuffer> compile_object(llvm::StringRef ir, llvm::StringRef name = "tiny.o");

} // namespace osr::test
