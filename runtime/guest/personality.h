// The function that libgcc asks, for each frame of compiled code, what an exception meets there.
#pragma once

#include "runtime/code/code_session.h"

#include <vector>

namespace osr {

using LandingHandler = void(std::uint64_t pc);

/// libstdc++'s personality function, for compiled code by the same name, but one that forgets.
///
/// An exception is thrown in two phases: the first looks for the frame that handles it, the second cleans up to there and
/// lands. libstdc++ remembers the landing pad from one to the other. In between destructors run, for as long as they
/// like, and meanwhile the frame that waits may be sent to other code, and its old code be freed. So when the exception
/// has come to its frame, the search is done once more for that frame, where it is now.
std::vector<AbsoluteSymbol> personality_symbols();
/// Who learns of each landing in the whole process: the return PC at which the exception arrived. It must not throw.
void answer_landings(LandingHandler *handler);

} // namespace osr
