// Names for `perf report`: a text file that lists compiled code and stubs.
//
// perf reads /tmp/perf-PID.map, one line `BEGIN SIZE NAME` (hexadecimal) for each piece of code; see "perf-report" and
// tools/perf/Documentation/jit-interface.txt in the Linux sources. A piece that is written later wins, so memory that is
// used again has its last name: profiles of code that came and went are only as good as that.
#pragma once

#include "runtime/code/debugger.h"

#include <llvm/Support/Error.h>

namespace osr {

/// From now on all code that debuggers hear of is listed. Once per process. Fails if the file cannot be written.
llvm::Error open_perf_map();

/// Thread-safe; nothing happens if no file is open.
void note_in_perf_map(const DebugCode &code);

} // namespace osr
