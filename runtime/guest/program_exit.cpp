#include "runtime/guest/program_exit.h"

#include "compiler/base/address_of.h"
#include "runtime/process/leaf_mutex.h"
#include "runtime/threads/program_thread.h"
#include "runtime/threads/start_thread.h"
#include "runtime/threads/thread_objects.h"
#include "runtime/threads/undisturbed.h"

#include <cstdlib>
#include <optional>
#include <unistd.h>

namespace osr {
namespace {

/// One registration; the three C functions differ only in what the handler is given.
struct Handler {
  std::function<void(int status)> run;
};

struct ExitState {
  LeafMutex mutex;
  std::vector<Handler> handlers OSR_GUARDED_BY(mutex);
  std::function<void()> static_destructors OSR_GUARDED_BY(mutex);
  // Of whoever starts programs, before they have threads.
  std::function<void()> observer;
  void (*end_hook)() = nullptr;
  pid_t observed = 0; ///< the process that these two want to hear of
};

/// Never destroyed: it is used while the process ends.
ExitState &state() {
  static ExitState *instance = new ExitState;
  return *instance;
}

template <typename Run> void add_handler(Run run) {
  Undisturbed undisturbed;
  Lock lock(state().mutex);
  state().handlers.push_back({std::move(run)});
}

/// Nothing: there is none left.
std::optional<Handler> take_newest_handler() {
  Undisturbed undisturbed;
  Lock lock(state().mutex);
  if (state().handlers.empty())
    return std::nullopt;
  Handler newest = std::move(state().handlers.back());
  state().handlers.pop_back();
  return newest;
}

/// Once, whatever threads end the process at the same time.
std::function<void()> take_static_destructors() {
  Undisturbed undisturbed;
  Lock lock(state().mutex);
  return std::exchange(state().static_destructors, nullptr);
}

/// A handler may register further ones, or call exit itself: then the rest runs from there.
void run_handlers(int status) {
  while (const auto handler = take_newest_handler())
    handler->run(status);
  if (const std::function<void()> destructors = take_static_destructors())
    destructors();
}

/// main may have returned: the handler's frames get a base of their own, where walks end.
template <typename Function> void call(Function *function, std::uint64_t first = 0, std::uint64_t second = 0) {
  ProgramThread of_foreign_thread;
  ProgramThread *self = ThreadRegistry::current();
  enter(self ? *self : of_foreign_thread, address_of(function), first, second);
}

int program_atexit(void (*function)()) {
  add_handler([=](int) { call(function); });
  return 0;
}

int program_cxa_atexit(void (*function)(void *), void *argument, void *) {
  add_handler([=](int) { call(function, address_of(argument)); });
  return 0;
}

int program_on_exit(void (*function)(int, void *), void *argument) {
  add_handler([=](int status) { call(function, std::uint64_t(status), address_of(argument)); });
  return 0;
}

void observe() {
  Undisturbed undisturbed;
  if (getpid() != state().observed)
    return;
  if (state().end_hook)
    state().end_hook();
  if (state().observer)
    state().observer();
}

void begin_to_observe() {
  state().observed = getpid();
  // The C library runs handlers in reverse order: what is registered now comes after the program's own.
  static const bool is_registered = std::atexit(observe) == 0 && std::at_quick_exit(observe) == 0;
  (void)is_registered;
}

[[noreturn]] void program_exit_now(int status) {
  observe();
  ::_exit(status);
}

[[noreturn]] void program_abort() {
  observe();
  std::abort();
}

} // namespace

std::vector<AbsoluteSymbol> program_exit_symbols() {
  return {{"atexit", address_of(program_atexit)},   {"__cxa_atexit", address_of(program_cxa_atexit)},
          {"on_exit", address_of(program_on_exit)}, {"exit", address_of(exit_program)},
          {"_exit", address_of(program_exit_now)},  {"_Exit", address_of(program_exit_now)},
          {"abort", address_of(program_abort)}};
}

WholeProcess::WholeProcess() {
  set_end_of_last_thread(exit_program);
  enlarge_usual_stack();
}

WholeProcess::~WholeProcess() { set_end_of_last_thread(nullptr); }

void exit_program(int status) {
  end_program(status);
  std::exit(status);
}

void end_program(int status) {
  destroy_thread_objects();
  run_handlers(status);
  forget_thread_objects();
}

void set_exit_observer(std::function<void()> observer) {
  state().observer = std::move(observer);
  begin_to_observe();
}

void set_end_hook(void (*hook)()) {
  state().end_hook = hook;
  begin_to_observe();
}

void set_static_destructors(std::function<void()> static_destructors) {
  {
    Lock lock(state().mutex);
    state().static_destructors = std::move(static_destructors);
  }
  std::atexit([] { run_handlers(0); }); // for libraries that call the C library's exit
}

} // namespace osr
