// vfork, made so that others know of it: the thread that has called it is not reached by any signal until its child has
// ended or executed another program, and that child may wait for what those who try to stop the thread hold.
#pragma once

#include <cstdint>
#include <sys/types.h>

extern "C" {
/// Returns twice, in the same memory, the child first; -1 and errno for an error.
__attribute__((returns_twice)) pid_t osr_vfork();

/// How many calls of this thread have not returned in the parent yet; seen by the child too.
extern constinit thread_local std::uint32_t osr_vforks __attribute__((tls_model("initial-exec")));
}
