// What happens to a thread of the program that cannot go on: the host decides, or the process ends.
#pragma once

#include <llvm/ADT/StringRef.h>

#include <cstdint>
#include <functional>
#include <string>

namespace osr {

/// RuntimeOptions::cannot_go_on.
using CannotGoOn = std::function<void(llvm::StringRef reason)>;

/// Why the calling thread cannot go on. Kept for it, so that nothing is lost when the host leaves by longjmp.
void note_dead_end(std::string reason);
/// On the thread's own stack, with no lock held. The host may leave by an exception.
[[noreturn]] void end_here(const CannotGoOn &host);

/// Where a call by this thread is to go that cannot be made: end_here() is called there, whatever the arguments are. Without a
/// host the process ends at once.
std::uint64_t end_at_call(const CannotGoOn &host);

} // namespace osr
