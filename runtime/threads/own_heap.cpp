#include "runtime/threads/own_heap.h"

#include "osr-stubs/thread_state.h"

namespace osr {

constinit thread_local bool runs_program = false;
constinit std::uintptr_t own_heap_begin = 0, own_heap_size = 0;

std::int64_t runs_program_tls_offset() { return thread_pointer_offset(&runs_program); }

} // namespace osr
