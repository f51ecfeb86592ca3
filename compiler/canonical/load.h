// Reads a program: LLVM bitcode or text files, linked into one module.
#pragma once

#include <llvm/ADT/ArrayRef.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/Error.h>
#include <llvm/Support/MemoryBuffer.h>

#include <memory>
#include <string>
#include <vector>

namespace osr {

/// Reads every path (bitcode or text IR), verifies each module and links them in the given order.
///
/// The result has an x86-64 Linux triple and that target's data layout, also where a file names none. Each error
/// names the file and the reason: missing, unreadable or invalid IR, another architecture, a symbol that two files
/// define. LLVM's own diagnostics go into the error; nothing is printed. The context must outlive the module, and no
/// other thread may use it meanwhile.
llvm::Expected<std::unique_ptr<llvm::Module>> load_program(llvm::LLVMContext &context,
                                                           llvm::ArrayRef<std::string> paths);

/// A file of a program as it was read.
struct ProgramFile {
  std::string path;
  std::shared_ptr<const llvm::MemoryBuffer> text; ///< bitcode or text IR
};

/// The same. If some file has debug information, `files` gets a copy of all of them, from which the program can be read
/// again; else nothing, as there would be nothing to be found there.
llvm::Expected<std::unique_ptr<llvm::Module>>
load_program(llvm::LLVMContext &context, llvm::ArrayRef<std::string> paths, std::vector<ProgramFile> &files);

/// The program again, from such files.
llvm::Expected<std::unique_ptr<llvm::Module>> load_program(llvm::LLVMContext &context,
                                                           llvm::ArrayRef<ProgramFile> files);

/// What a module has to be before it is linked or made canonical: valid, without names that are reserved, and for x86-64
/// Linux, or for nothing in particular, which becomes that. The error begins with `name`.
llvm::Error check_read_module(llvm::Module &module, const std::string &name);

} // namespace osr
