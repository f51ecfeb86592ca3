// Memory of the runtime's own.
//
// A handler of the program may interrupt malloc, and what it calls may have to be compiled. So the runtime, and the
// compiler in it, must not need what the interrupted code has: the lock of the C library's heap, or the heap itself in
// mid-change. In a process that links interposed_memory.cpp, blocks come from one of two heaps:
//
//   the program, its libraries            malloc ──► the C library's heap
//   the runtime (Undisturbed, its own
//   threads, the time before the program) malloc ──► a heap in address space of its own
//   free, realloc                                ──► the heap that the block is from
//
// The runtime's heap is used by threads that no handler of the program can interrupt: so it is never found in
// mid-change, and nothing else waits for the program's.
#pragma once

#include <cstdint>

namespace osr {

/// The calling thread's malloc is the program's. From its first code of the program on, but not within Undisturbed.
extern constinit thread_local bool runs_program __attribute__((tls_model("initial-exec")));

/// Its addresses: of whoever provides it, set before there are threads.
extern constinit std::uintptr_t own_heap_begin, own_heap_size;

/// The runtime has one. False: everything that a handler may reach has to be compiled before one can come.
inline bool has_own_heap() { return own_heap_size != 0; }
inline bool is_in_own_heap(const void *block) {
  return reinterpret_cast<std::uintptr_t>(block) - own_heap_begin < own_heap_size;
}

/// Of `runs_program`, from the thread pointer; the same in every thread of the process.
std::int64_t runs_program_tls_offset();

} // namespace osr
