#include "runtime/guest/memory_calls.h"

#include <sys/mman.h>

namespace osr {
namespace {

/// A page is locked once it is touched, instead of all that is reserved being touched and locked at once.
int program_mlockall(int flags) { return ::mlockall(flags | MCL_ONFAULT); }

} // namespace

std::vector<AbsoluteSymbol> memory_call_symbols() {
  return {{"mlockall", reinterpret_cast<std::uint64_t>(program_mlockall)}};
}

} // namespace osr
