// Names and bytes of compiled code and stubs, for `perf report` and `perf annotate`.
//
// The file is a "jitdump" (tools/perf/Documentation/jitdump-specification.txt in the Linux sources); `perf inject --jit`
// puts it into a profile. A text map, /tmp/perf-PID.map, has no bytes, and cannot say that an address has new code. LLVM's
// ORC writes such dumps too, but through a descriptor that it keeps; here a FileThread has the file.
#pragma once

#include "runtime/code/debugger.h"

#include <llvm/Support/Error.h>

namespace osr {

/// From now on all code that debuggers hear of is dumped, to JITDUMPDIR/.debug/jit/*/jit-PID.dump ($HOME/.debug without
/// that variable, ./.debug without either). Once per process, before
/// the program runs; code that a forked child compiles is not dumped. Fails if the file cannot be written.
llvm::Error open_perf_dump();

/// The code must be in its place. Thread-safe; nothing happens if no file is open.
void note_in_perf_dump(const DebugCode &code);

} // namespace osr
