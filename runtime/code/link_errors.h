// Turns ORC's errors into texts that name the remedy. Private to runtime/code.
#pragma once

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/StringRef.h>
#include <llvm/Support/Error.h>

#include <string>
#include <vector>

namespace osr {

/// "unresolved symbols 'a', 'b'", and the remedies of a host and of osrctl's user. `names` are in quotes.
std::string unresolved_symbols(llvm::ArrayRef<std::string> names);

/// One error for a link that failed. `reported` are the errors that ORC reported on the side; they hold the causes,
/// and are emptied.
llvm::Error link_error(llvm::StringRef object, llvm::Error error, std::vector<llvm::Error> &reported);

/// The same for a look-up by name.
llvm::Error lookup_error(llvm::Error error, std::vector<llvm::Error> &reported);

} // namespace osr
