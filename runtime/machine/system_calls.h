// System calls that other machines may not have, because newer ones take their place.
#pragma once

// poll_call, select_call, epoll_wait_call, pause_call: their numbers. A machine without them has a number that no call has, each
// another one, and runtime/threads/waiting_calls.cpp then has to make the newer call. fork_call, vfork_call: the same.
#include "runtime/machine/x86_64/system_calls.h"
