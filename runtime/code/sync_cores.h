// New code at addresses where other code was before.
#pragma once

namespace osr {

/// To be called after code was written to memory that threads may have executed before, and before any thread can come
/// to it. A processor may still hold instructions of the old bytes; afterwards none does (Intel SDM vol. 3, "Handling
/// Self- and Cross-Modifying Code": the executing processor needs a serializing instruction after the write. The kernel
/// makes each of them execute one: membarrier(2), SYNC_CORE). Thread-safe; a few microseconds.
void sync_cores();

} // namespace osr
