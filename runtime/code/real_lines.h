// Puts lines in the place of numbers in a line program.
#pragma once

#include "runtime/code/line_program.h"

#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/ADT/StringRef.h>

#include <optional>
#include <string>

namespace osr {

struct RealLine {
  std::string directory, file;
  unsigned line = 0;
};

using FindRealLine = llvm::function_ref<std::optional<RealLine>(llvm::StringRef file, unsigned line)>;

/// A program whose addresses are final, with what `real` says of each file and line in their place; nothing: they are real. Lines are never worth a
/// failure: if LLVM cannot read the program, the result is empty.
LineProgram with_real_lines(const LineProgram &program, FindRealLine real);

/// Some file of it begins so, or anything else of its strings has this in it.
bool has_file_that_begins_with(const LineProgram &program, llvm::StringRef prefix);

} // namespace osr
