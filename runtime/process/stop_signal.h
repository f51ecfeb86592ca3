// The signal that stops threads, and what keeps the program from blocking it.
#pragma once

#include <csignal>

namespace osr {

/// The number in use; 0 until it is chosen.
int stop_signal();
/// Before there are threads that could block it, and by the handshake.
void set_stop_signal(int number);

/// Makes the calling thread reachable, whatever mask it was started with. Errors are impossible.
void unblock_stop_signal();

/// The same signals but that one.
sigset_t without_stop_signal(const sigset_t &set);

/// What pthread_sigmask and sigprocmask do with their arguments: `mask` is one of the two.
int change_mask(int (*mask)(int, const sigset_t *, sigset_t *), int how, const sigset_t *set, sigset_t *old);

} // namespace osr
