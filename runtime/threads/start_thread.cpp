#include "runtime/threads/start_thread.h"

#include "compiler/base/check.h"
#include "compiler/base/error.h"
#include "osr-stubs/cancellation.h"
#include "osr-stubs/vfork.h"
#include "runtime/process/host_threads.h"
#include "runtime/process/in_library.h"
#include "runtime/process/stop_signal.h"
#include "runtime/threads/context_calls.h"
#include "runtime/threads/exec_calls.h"
#include "runtime/threads/fork_calls.h"
#include "runtime/threads/notify_threads.h"
#include "runtime/threads/signal_calls.h"
#include "runtime/threads/thread_data.h"
#include "runtime/threads/thread_objects.h"
#include "runtime/threads/transfer_calls.h"
#include "runtime/threads/undisturbed.h"
#include "runtime/threads/waiting_calls.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/Support/Errno.h>

#include <atomic>
#include <climits>
#include <dlfcn.h>
#include <threads.h>

using namespace llvm;

#ifdef __SANITIZE_ADDRESS__
extern "C" int __interceptor_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
#endif

namespace osr {
namespace {

constexpr std::size_t stack_factor = 4;
/// For stacks whose size the program chose.
std::atomic<std::size_t> chosen_factor = 1;
/// Of the rounds that are left, that in which a thread's record goes.
#ifdef __SANITIZE_THREAD__ // its own state of the thread goes in the last one, and it does not check for that
constexpr std::uintptr_t end_round = 2;
#else
constexpr std::uintptr_t end_round = 1;
#endif
constexpr std::size_t thread_object_stack_bytes = std::size_t(256) << 20;

ThreadRegistry *registry = nullptr;
std::atomic<ExitFunction *> exit_process = nullptr;
pthread_key_t end_key;
/// Threads of the program that have not ended, main among them. Counted by whoever starts one: it registers itself
/// later.
std::atomic<long> alive = 0;

/// What the new thread has to run, and the memory that it needs for that.
struct Start {
  std::uint64_t caller; ///< call_thread_function, as the function returns
  void *(*function)(void *);
  void *argument;
  ObjectStack objects;
  sigset_t mask;
};

/// The C library's destructors of thread-specific data run in rounds, as long as some were set again, and by the order
/// of the keys. Ours is older than the one that frees the program's thread-local variables, and calls the program's own
/// destructors in the first round: they still see these variables. Those of libraries may call the program too, so our
/// record goes in the last round.
[[gnu::noinline]] void end_thread(void *rounds) {
  ProgramThread *self = ThreadRegistry::current();
  if (!self)
    return;
  auto left = reinterpret_cast<std::uintptr_t>(rounds);
  if (left == PTHREAD_DESTRUCTOR_ITERATIONS) {
    if (self->role == ThreadRole::Main && !self->was_unwound && self->base.cfa == 0)
      self->role = ThreadRole::Host; // main has returned: the thread is the host's again
    self->base = {}; // frames without unwind information are gone without a word
    destroy_thread_data(*self);
  }
  if (left > end_round) {
    pthread_setspecific(end_key, reinterpret_cast<void *>(left - 1));
    return;
  }
  if (self->role != ThreadRole::Host && alive.fetch_sub(1) == 1)
    if (ExitFunction *exit = exit_process.load())
      exit(0);
  block_signals();
  registry->remove_current();
}

/// A thread of the host's own may be one that is cancelled at any instruction (osr-stubs/cancellation.h).
void on_thread_end(void *rounds) {
  const int before = defer_cancellation();
  end_thread(rounds);
  cancel_as_before(before);
}

void set_end_key() {
  pthread_setspecific(end_key, reinterpret_cast<void *>(std::uintptr_t(PTHREAD_DESTRUCTOR_ITERATIONS)));
}

/// The oldest frame of a thread of the program. The thread may be cancelled at any instruction up to here, and be unwound; behind that
/// are functions that must not be, and destructors of libraries that know nothing of cancellation.
template <typename Result> Result call_thread_function(Result (*function)(void *), void *argument) {
  const Result result = function(argument);
  defer_cancellation();
  return result;
}

void *run_thread(void *argument) {
  auto *start = static_cast<Start *>(argument);
  auto pc = reinterpret_cast<std::uint64_t>(start->function), first = reinterpret_cast<std::uint64_t>(start->argument);
  const std::uint64_t caller = start->caller;
  sigset_t mask = start->mask;
  ProgramThread &thread = registry->add_current(std::move(start->objects));
  delete start; // the thread may end without coming back here
  thread.role = ThreadRole::Program;
  set_end_key();
  pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  return reinterpret_cast<void *>(enter(thread, caller, pc, first));
}

/// What the program asked for, `factor` times, and room for what it does not know of: stubs, the signal that stops
/// threads. Memory that the program gave itself stays as it is.
class Enlarged {
public:
  Enlarged(const pthread_attr_t *wanted, std::size_t factor) : wanted_(wanted) {
    void *low = nullptr;
    std::size_t size = 0;
    if (!wanted || pthread_attr_getstack(wanted, &low, &size) != 0 || reinterpret_cast<std::uintptr_t>(low) + size != 0)
      return;
    if (size == 0) // nobody chose one: it gets the usual size, which is larger already (enlarge_usual_stack)
      return;
    own_ = *wanted; // never destroyed: what it refers to belongs to the program's
    if (pthread_attr_setstacksize(&own_, size * factor + stack_reserve) == 0)
      wanted_ = &own_;
  }
  operator const pthread_attr_t *() const { return wanted_; }

private:
  const pthread_attr_t *wanted_;
  pthread_attr_t own_;
};

/// The C library's own, also where this process exports a function of that name (interposed_calls.cpp).
int library_pthread_create(pthread_t *thread, const pthread_attr_t *wanted, void *(*function)(void *), void *argument) {
#if defined(__SANITIZE_THREAD__) // it has to see the call, which leads to its own
  return pthread_create(thread, wanted, function, argument);
#elif defined(__SANITIZE_ADDRESS__) // likewise, and this is its own: whom it has not seen begin cannot be joined
  return __interceptor_pthread_create(thread, wanted, function, argument);
#else
  static const auto next = in_library(&pthread_create, "pthread_create");
  OSR_CHECK(next, "no pthread_create behind that of this program: {}", dlerror());
  return next(thread, wanted, function, argument);
#endif
}

/// What a thread of the host, or of the runtime, has to run.
struct HostStart {
  void *(*function)(void *);
  void *argument;
};

/// Its part of the heap is made at once. Later the program may have limited the memory that can be mapped.
void *run_host_thread(void *argument) {
  const HostStart start = *static_cast<HostStart *>(argument);
  ::operator delete(argument, sizeof start);
  ::operator delete(::operator new(1));
  return start.function(start.argument);
}

int start_host_thread(pthread_t *thread, const pthread_attr_t *wanted, void *(*function)(void *), void *argument) {
  auto *start = new HostStart{function, argument};
  const int error = library_pthread_create(thread, wanted, run_host_thread, start);
  if (error)
    delete start;
  return error;
}

int create_enlarged(pthread_t *thread, const pthread_attr_t *wanted, Start *start) {
  const std::size_t factor = chosen_factor;
  const int error = library_pthread_create(thread, Enlarged(wanted, factor), run_thread, start);
  if (error == 0 || factor == 1)
    return error;
  return library_pthread_create(thread, Enlarged(wanted, 1), run_thread, start); // so much may be more than is allowed
}

template <typename Result> std::uint64_t caller_of() {
  return reinterpret_cast<std::uint64_t>(&call_thread_function<Result>);
}

/// Null: there is no memory. It is the runtime's own: the program's operators know nothing of it, and it goes in a thread that is not in the
/// program yet.
std::unique_ptr<Start> make_start(std::uint64_t caller, void *(*function)(void *), void *argument,
                                  const sigset_t &mask) {
  Undisturbed undisturbed;
  auto objects = ObjectStack::reserve(thread_object_stack_bytes);
  if (objects)
    return std::make_unique<Start>(caller, function, argument, std::move(*objects), mask);
  consumeError(objects.takeError());
  return nullptr;
}

int start_program_thread(pthread_t *thread, const pthread_attr_t *wanted, std::uint64_t caller,
                         void *(*function)(void *), void *argument) {
  if (HostThreads::exist())
    return start_host_thread(thread, wanted, function, argument);
  if (!registry)
    return library_pthread_create(thread, wanted, function, argument);
  sigset_t mask =
      block_signals(); // the new thread begins with them blocked: handlers of the program need its object stack
  std::unique_ptr<Start> start = make_start(caller, function, argument, mask);
  ++alive;
  const int error = start ? create_enlarged(thread, wanted, start.get()) : EAGAIN;
  if (error)
    --alive;
  else
    (void)start.release(); // the thread's
  start.reset();
  pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  return error;
}

} // namespace

Error watch_ends_of_threads(ThreadRegistry &threads) {
  if (registry)
    return registry == &threads ? Error::success()
                                : make_error("the threads of this process are registered elsewhere already");
  if (const int error = pthread_key_create(&end_key, on_thread_end))
    return make_error(
        "the end of threads cannot be watched: pthread_key_create failed: {} (the host may have {} keys at "
        "most)",
        sys::StrError(error), PTHREAD_KEYS_MAX - 1);
  registry = &threads;
  return Error::success();
}

void enlarge_usual_stack() {
  static std::once_flag once;
  std::call_once(once, [] {
    pthread_attr_t usual;
    std::size_t size = 0;
    pthread_getattr_default_np(&usual);
    pthread_attr_getstacksize(&usual, &size);
    pthread_attr_setstacksize(&usual, size * stack_factor);
    pthread_setattr_default_np(&usual);
    pthread_attr_destroy(&usual);
    chosen_factor = stack_factor;
  });
}

std::vector<AbsoluteSymbol> start_thread_symbols() {
  std::vector<AbsoluteSymbol> symbols = thread_data_symbols();
  append_range(symbols, thread_object_symbols());
  append_range(symbols, context_call_symbols());
  append_range(symbols, signal_call_symbols());
  append_range(symbols, notify_thread_symbols());
  append_range(symbols, waiting_call_symbols());
  append_range(symbols, transfer_call_symbols());
  append_range(symbols, exec_call_symbols());
  append_range(symbols, fork_call_symbols());
  symbols.push_back({"vfork", reinterpret_cast<std::uint64_t>(&osr_vfork)});
  symbols.emplace_back("pthread_create", reinterpret_cast<std::uint64_t>(start_thread));
  symbols.emplace_back("thrd_create", reinterpret_cast<std::uint64_t>(start_c11_thread));
  return symbols;
}

void set_end_of_last_thread(ExitFunction *exit) { exit_process = exit; }

int start_thread(pthread_t *thread, const pthread_attr_t *wanted, void *(*function)(void *), void *argument) {
  return start_program_thread(thread, wanted, caller_of<void *>(), function, argument);
}

int start_c11_thread(thrd_t *thread, thrd_start_t function, void *argument) {
  auto address = reinterpret_cast<std::uintptr_t>(function);
  int error =
      start_program_thread(thread, nullptr, caller_of<int>(), reinterpret_cast<void *(*)(void *)>(address), argument);
  return error == 0 ? thrd_success : error == ENOMEM ? thrd_nomem : thrd_error;
}

void watch_main_thread() {
  ++alive;
  ThreadRegistry::current()->role = ThreadRole::Main;
  set_end_key();
}

Expected<ProgramThread *> attach_thread() {
  if (ProgramThread *self = ThreadRegistry::current())
    return self;
  if (!registry)
    if (Error error = watch_ends_of_threads(process_threads()))
      return error;
  auto thread = registry->add_current(thread_object_stack_bytes);
  if (thread)
    set_end_key();
  return thread;
}

void detach_thread() {
  if (ThreadRegistry::current())
    pthread_setspecific(end_key, nullptr);
  registry->remove_current();
}

void forget_other_threads() { alive = 1; }

} // namespace osr
