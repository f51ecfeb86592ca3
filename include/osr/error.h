// What kind of error a call of the library has returned, for hosts that act on it; the text is for people.
#pragma once

#include <llvm/Support/Error.h>

#include <system_error>

namespace osr {

/// Numbers do not change.
enum class ErrorCode : int {
  Refused = 1, ///< it cannot be done, for a reason that the text names; and whatever has no other code
  Unknown,     ///< there is no such function, module, library, site or point, or nothing has a symbol
  Exists,      ///< there is one of that name already
  Invalid,     ///< what was given is no valid IR, no valid option, or does not fit together
  NoMemory,    ///< no memory or address space, a slab is full
  WrongState,  ///< not now, not in this thread, or not from where it was called
  InUse,       ///< something is on a stack, or under way
  TimedOut,    ///< somebody did not stop or come in time
  Cancelled,
};

const std::error_category &error_category();
inline std::error_code make_error_code(ErrorCode code) { return {int(code), error_category()}; }

/// Looks at an error, which stays as it is. Of several that were joined, the first counts. Errors that come from elsewhere are Refused.
ErrorCode code_of(const llvm::Error &error);

} // namespace osr

template <> struct std::is_error_code_enum<osr::ErrorCode> : std::true_type {};
