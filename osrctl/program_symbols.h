// What a running program has under the names of a module that is to fit into it.
#pragma once

#include "osrctl/control_connection.h"

#include <llvm/IR/Module.h>

#include <string>

namespace osr {

/// Of each name that the module defines; of a static one that of a file which is called like the module's.
llvm::Expected<nlohmann::json> symbols_of(ControlConnection &connection, const llvm::Module &module);
/// The error: the program has several static ones of that name.
llvm::Error check_which(const llvm::GlobalValue &value, const nlohmann::json &symbols);
/// As the file may have it: the linker numbers all but one of the static ones that several files have.
std::string without_number(llvm::StringRef symbol);
/// The name that the program knows it by.
std::string symbol_for(const std::string &name, const nlohmann::json &symbols);
/// The module's value gets that name. The error: something else has it.
llvm::Error use_symbol_of(llvm::GlobalValue &value, const nlohmann::json &symbols);

} // namespace osr
