// The numbers behind runtime/machine/system_calls.h.
#pragma once

#include <sys/syscall.h>

namespace osr {

inline constexpr long poll_call = SYS_poll, select_call = SYS_select, epoll_wait_call = SYS_epoll_wait,
                      pause_call = SYS_pause, fork_call = SYS_fork, vfork_call = SYS_vfork;

} // namespace osr
