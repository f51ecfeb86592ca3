#include "runtime/threads/start_thread.h"

#include "compiler/base/check.h"
#include "runtime/threads/thread_data.h"

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <pthread.h>
#include <threads.h>

using namespace llvm;

namespace osr {
namespace {

constexpr std::size_t stack_factor = 4;
constexpr std::size_t thread_object_stack_bytes = std::size_t(256) << 20;

ThreadRegistry *registry = nullptr;
ExitFunction *exit_process = nullptr;
pthread_key_t end_key;
/// Threads of the program that have not ended, main among them. Counted by whoever starts one: it registers itself
/// later.
std::atomic<long> alive = 0;

/// What the new thread has to run.
struct Start {
  std::uint64_t pc;
  void *argument;
};

/// The C library's destructors of thread-specific data run in rounds, as long as some were set again, and by the order
/// of the keys. Ours is older than the one that frees the program's thread-local variables, and calls the program's own
/// destructors in the first round: they still see these variables. Those of libraries may call the program too, so our
/// record goes in the last round.
void on_thread_end(void *rounds) {
  ProgramThread *self = ThreadRegistry::current();
  if (!self)
    return;
  auto left = reinterpret_cast<std::uintptr_t>(rounds);
  if (left == PTHREAD_DESTRUCTOR_ITERATIONS) {
    self->is_part_of_program |= self->base.cfa != 0;
    self->base = {}; // after pthread_exit or a cancellation the program's first frame is gone without a return
    destroy_thread_data(*self);
  }
  if (left > 1) {
    pthread_setspecific(end_key, reinterpret_cast<void *>(left - 1));
    return;
  }
  if (self->is_part_of_program && alive.fetch_sub(1) == 1)
    exit_process(0);
  registry->remove_current();
}

void set_end_key() {
  pthread_setspecific(end_key, reinterpret_cast<void *>(std::uintptr_t(PTHREAD_DESTRUCTOR_ITERATIONS)));
}

void *run_thread(void *argument) {
  Start start = *static_cast<Start *>(argument);
  delete static_cast<Start *>(argument);
  auto thread = registry->add_current(thread_object_stack_bytes);
  if (!thread) { // pthread_create has already reported success
    std::fprintf(stderr, "osr: a thread cannot run: %s\n", toString(thread.takeError()).c_str());
    std::abort();
  }
  (*thread)->is_part_of_program = true;
  set_end_key();
  return reinterpret_cast<void *>(enter(**thread, start.pc, reinterpret_cast<std::uint64_t>(start.argument)));
}

/// Threads for which the program chose no stack size get this one.
void enlarge_usual_stack() {
  pthread_attr_t usual;
  std::size_t size = 0;
  pthread_getattr_default_np(&usual);
  pthread_attr_getstacksize(&usual, &size);
  pthread_attr_setstacksize(&usual, size * stack_factor);
  pthread_setattr_default_np(&usual);
  pthread_attr_destroy(&usual);
}

int start_thread(pthread_t *thread, const pthread_attr_t *wanted, Start *start) {
  ++alive;
  int error = pthread_create(thread, wanted, run_thread, start);
  if (error) {
    --alive;
    delete start;
  }
  return error;
}

int program_pthread_create(pthread_t *thread, const pthread_attr_t *wanted, void *(*function)(void *), void *argument) {
  auto *start = new Start{reinterpret_cast<std::uint64_t>(function), argument};
  return start_thread(thread, wanted, start);
}

/// C11 threads return an int; the C library keeps it in the same word.
int program_thrd_create(thrd_t *thread, thrd_start_t function, void *argument) {
  auto *start = new Start{reinterpret_cast<std::uint64_t>(function), argument};
  int error = start_thread(thread, nullptr, start);
  return error == 0 ? thrd_success : error == ENOMEM ? thrd_nomem : thrd_error;
}

} // namespace

std::vector<AbsoluteSymbol> start_thread_symbols(ThreadRegistry &threads, ExitFunction *exit) {
  OSR_CHECK(!registry, "threads are started for another registry already");
  registry = &threads;
  exit_process = exit;
  int error = pthread_key_create(&end_key, on_thread_end);
  OSR_CHECK(error == 0, "no key for thread-specific data: error {}", error);
  enlarge_usual_stack();
  std::vector<AbsoluteSymbol> symbols = thread_data_symbols();
  symbols.emplace_back("pthread_create", reinterpret_cast<std::uint64_t>(program_pthread_create));
  symbols.emplace_back("thrd_create", reinterpret_cast<std::uint64_t>(program_thrd_create));
  return symbols;
}

void watch_main_thread() {
  ++alive;
  set_end_key();
}

void forget_other_threads() { alive = 1; }

} // namespace osr
