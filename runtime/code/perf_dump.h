// Names and bytes of compiled code and stubs, for `perf report` and `perf annotate`.
//
// The file is a "jitdump" (tools/perf/Documentation/jitdump-specification.txt in the Linux sources), which LLVM's ORC
// writes; `perf inject --jit` puts it into a profile. A text map, /tmp/perf-PID.map, would not do: perf looks into it for
// anonymous memory only, and our code is in a file in memory that is mapped twice (slab_arena.h).
#pragma once

#include "runtime/code/debugger.h"

#include <llvm/Support/Error.h>

namespace osr {

/// From now on all code that debuggers hear of is dumped, to JITDUMPDIR/.debug/jit/*/jit-PID.dump ($HOME/.debug without
/// that variable). Once per process; code that a forked child compiles is not dumped. Fails if the file cannot be written.
llvm::Error open_perf_dump();

/// The code must be in its place. Thread-safe; nothing happens if no file is open.
void note_in_perf_dump(const DebugCode &code);

} // namespace osr
