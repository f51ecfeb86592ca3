// A new body for a function of a running program, from a file that was edited.
//
//   server.c ──clang──► module ──► everything but the function goes: what the program has is declared,
//                                  so static functions and variables are the running ones;
//                                  helpers that it does not have are inlined ──► bitcode
#pragma once

#include "osrctl/control_connection.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>

#include <memory>
#include <string>

namespace osr {

/// `file` (C, C++, text IR or bitcode) and `flags` for clang become `ir`. The error names what does not fit.
llvm::Expected<nlohmann::json> prepare_new_body(ControlConnection &connection, nlohmann::json parameters);

// Steps of it, for patches:

/// Compiles what is a source; what the front end says goes to stderr.
llvm::Expected<std::unique_ptr<llvm::Module>> read_edited(llvm::LLVMContext &context, const std::string &file,
                                                          const std::string &flags);
/// Texts and tables that nobody can tell from the program's own.
bool is_own_constant(const llvm::GlobalValue &value);
/// Declared is enough of it: a body that calls it means what the program has, and its name and type there are as here.
bool is_surely_the_programs(const llvm::GlobalValue &value, const nlohmann::json &symbols);
/// Nothing else is defined in its module then, but variables that the program does not have.
llvm::Error leave_alone(llvm::Function &body, const nlohmann::json &symbols);
/// The same of several functions, with helpers that the program does not have.
llvm::Error leave_with_helpers(llvm::ArrayRef<llvm::Function *> kept, const nlohmann::json &symbols);
std::string to_base64(llvm::Module &module);
/// Bitcode or text IR; `name` is for errors.
llvm::Expected<std::unique_ptr<llvm::Module>> module_from_base64(llvm::LLVMContext &context, const std::string &base64,
                                                                 const std::string &name);

} // namespace osr
