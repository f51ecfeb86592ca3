// What every verb begins with: program files in, canonical program out.
#pragma once

#include "compiler/canonical/canonical_program.h"
#include "compiler/codegen/compiler.h"
#include "osr/options.h"
#include "osrctl/choices.h"

#include <CLI/CLI.hpp>
#include <llvm/IR/LLVMContext.h>

#include <memory>
#include <string>
#include <vector>

namespace osr {

/// The program's files, which every verb needs.
void add_program_option(CLI::App &command, std::vector<std::string> &paths);

/// --load LIB.so, for verbs that resolve the program's symbols.
void add_library_option(CLI::App &command, std::vector<std::string> &libraries);

inline constexpr Choice<StubKind> stub_kinds[] = {{"generated", StubKind::Generated},
                                                  {"interpreted", StubKind::Interpreted}};
/// --stubs, one of these, for verbs that run the program.
void add_stubs_option(CLI::App &command, std::string &stubs);

/// --fault, for the same verbs; not shown by --help, because only tests of tests want it.
void add_fault_option(CLI::App &command, std::string &fault);

/// Reads and links the modules. Ends the process as load_input does.
llvm::Expected<std::unique_ptr<llvm::Module>> read_input(llvm::LLVMContext &context,
                                                         const std::vector<std::string> &paths);

/// Loads, links and canonicalises the given modules. Ends the process, with a message, if a file is damaged in such a
/// way that LLVM's reader crashes.
llvm::Expected<CanonicalProgram> load_input(llvm::LLVMContext &context, const std::vector<std::string> &paths);

/// The same in a process that has the C++ library which the program is for: see enter_process_for.
llvm::Expected<CanonicalProgram> load_input_to_link(llvm::LLVMContext &context, const std::vector<std::string> &paths,
                                                    KeepSource keep_source = KeepSource::No);

/// The same, with its sites numbered, ready to compile single functions. Nothing is linked or run.
llvm::Expected<std::unique_ptr<Compiler>> load_compiler(llvm::LLVMContext &context,
                                                        const std::vector<std::string> &paths);

/// Prints what a verb found out and returns 0; main notices when that cannot be written.
int print(const std::string &text);

/// Prints `osrctl: text` for an error and returns exit_failure.
int report(llvm::Error error);

/// The same for a request that makes no sense: returns exit_usage.
int report_usage(llvm::Error error);

} // namespace osr
