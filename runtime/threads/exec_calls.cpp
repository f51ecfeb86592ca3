#include "runtime/threads/exec_calls.h"

#include "runtime/process/in_library.h"
#include "runtime/process/stop_signal.h"
#include "runtime/threads/program_thread.h"

#include <alloca.h>
#include <cerrno>
#include <cstdarg>
#include <sys/syscall.h>
#include <unistd.h>

namespace osr {
namespace {

/// The C library's own, also where this process exports functions of these names.
struct Library {
  decltype(&::execve) execve = in_library(&::execve, "execve");
  decltype(&::execvpe) execvpe = in_library(&::execvpe, "execvpe");
  decltype(&::fexecve) fexecve = in_library(&::fexecve, "fexecve");
  decltype(&::execveat) execveat = in_library(&::execveat, "execveat");
};

const Library &library() {
  static const Library found;
  return found;
}

/// Null: nobody stops the calling thread. The child of a vfork, which has its parent's memory, is not the thread that the
/// record is of.
ProgramThread *thread_to_be_stopped() {
  ProgramThread *self = ThreadRegistry::current();
  return self && self->tid == pid_t(::syscall(SYS_gettid)) ? self : nullptr;
}

/// Whoever asks may have seen that it executes, and sent no signal.
void be_stopped(const ProgramThread &self) { ::syscall(SYS_tgkill, ::syscall(SYS_getpid), self.tid, stop_signal()); }

/// Nobody sends the stop signal from here on, and none waits. A signal that was sent comes at the end of a system call at
/// the latest.
void keep_stops_away(ProgramThread &self) {
  for (;;) {
    self.executes.store(true, std::memory_order_seq_cst);
    const bool is_asked = self.stop.load(std::memory_order_seq_cst) == StopState::Requested;
    if (!is_asked)
      break;
    self.executes.store(false, std::memory_order_seq_cst);
    be_stopped(self);
  }
  ::syscall(SYS_getppid);
}

/// What was asked meanwhile, without a signal, is answered now.
void allow_stops(ProgramThread &self) {
  self.executes.store(false, std::memory_order_seq_cst);
  if (self.stop.load(std::memory_order_seq_cst) == StopState::Requested)
    be_stopped(self);
}

template <typename Call> auto without_stops(Call call) {
  ProgramThread *self = thread_to_be_stopped();
  if (!self || self->executes.load(std::memory_order_relaxed)) // in a handler, while it tries
    return call();
  keep_stops_away(*self);
  const auto result = call();
  const int error = errno;
  allow_stops(*self);
  errno = error;
  return result;
}

/// Calls `call` with `first` and those that follow up to the null pointer, and with what comes behind that. They are kept on
/// the stack: a handler may execute a program, too.
template <typename Call> int with_arguments(const char *first, va_list more, Call call) {
  va_list counted;
  va_copy(counted, more);
  std::size_t count = 0;
  for (const char *argument = first; argument; argument = va_arg(counted, const char *))
    ++count;
  va_end(counted);
  auto **arguments = static_cast<char **>(alloca((count + 1) * sizeof(char *)));
  for (std::size_t i = 0; i != count; ++i)
    arguments[i] = const_cast<char *>(i == 0 ? first : va_arg(more, const char *));
  arguments[count] = nullptr;
  if (count != 0)
    (void)va_arg(more, const char *); // what follows is execle's environment
  return call(arguments, more);
}

} // namespace

namespace executing {

int execve(const char *path, char *const *arguments, char *const *environment) {
  return without_stops([=] { return library().execve(path, arguments, environment); });
}
int execvpe(const char *file, char *const *arguments, char *const *environment) {
  return without_stops([=] { return library().execvpe(file, arguments, environment); });
}
int fexecve(int file, char *const *arguments, char *const *environment) {
  return without_stops([=] { return library().fexecve(file, arguments, environment); });
}
int execveat(int folder, const char *path, char *const *arguments, char *const *environment, int flags) {
  return without_stops([=] { return library().execveat(folder, path, arguments, environment, flags); });
}

int execv(const char *path, char *const *arguments) { return executing::execve(path, arguments, environ); }
int execvp(const char *file, char *const *arguments) { return executing::execvpe(file, arguments, environ); }

int execl(const char *path, const char *argument, ...) {
  va_list more;
  va_start(more, argument);
  const int result =
      with_arguments(argument, more, [=](char **arguments, va_list) { return executing::execv(path, arguments); });
  va_end(more);
  return result;
}
int execlp(const char *file, const char *argument, ...) {
  va_list more;
  va_start(more, argument);
  const int result =
      with_arguments(argument, more, [=](char **arguments, va_list) { return executing::execvp(file, arguments); });
  va_end(more);
  return result;
}
int execle(const char *path, const char *argument, ...) {
  va_list more;
  va_start(more, argument);
  const int result = with_arguments(argument, more, [=](char **arguments, va_list rest) {
    return executing::execve(path, arguments, va_arg(rest, char *const *));
  });
  va_end(more);
  return result;
}

long system_call(long number, long a, long b, long c, long d, long e) {
  return without_stops([=] { return ::syscall(number, a, b, c, d, e); });
}

} // namespace executing

std::vector<AbsoluteSymbol> exec_call_symbols() {
  (void)library(); // a handler is not to be the first who looks for them
  return {symbol_of("execve", executing::execve),   symbol_of("execvpe", executing::execvpe),
          symbol_of("fexecve", executing::fexecve), symbol_of("execveat", executing::execveat),
          symbol_of("execv", executing::execv),     symbol_of("execvp", executing::execvp),
          symbol_of("execl", executing::execl),     symbol_of("execlp", executing::execlp),
          symbol_of("execle", executing::execle)};
}

} // namespace osr
