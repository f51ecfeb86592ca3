// Threads that the C library makes for itself to tell the program something (SIGEV_THREAD).
#pragma once

#include "runtime/code/code_session.h"

#include <vector>

namespace osr {

/// Names that the program gets instead of the C library's: timer_create, mq_notify, getaddrinfo_a and lio_listio. The
/// functions that they are asked to call run in threads of which nobody else hears: these are registered for that time.
std::vector<AbsoluteSymbol> notify_thread_symbols();

} // namespace osr
