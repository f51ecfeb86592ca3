// What a person says to a running program, in words, and how it has to be said.
#pragma once

#include "osrctl/attach_commands.h"

namespace osr {

/// "replace FUNCTION --to baseline|optimized [--frames ...]".
std::string usage_of(const AttachCommand &command);
/// A list of all.
std::string help_text();
/// What is said as --NAME.
std::vector<Parameter> parameters_of_options(const AttachCommand &command);
/// "--as-it-is-said".
std::string option_name(const Parameter &parameter);

/// The parameters that the words behind the command mean. The error says what is wrong with them.
llvm::Expected<nlohmann::json> parameters_of(const AttachCommand &command, llvm::ArrayRef<std::string> words);

/// Words as a shell splits them: blanks separate, quotes keep together.
std::vector<std::string> split_words(llvm::StringRef line);

} // namespace osr
