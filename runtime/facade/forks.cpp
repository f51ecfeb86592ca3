// The process forks. What the other threads were doing must be whole in the child: their locks are taken first. Both sides
// give back what the forking thread holds before a handler of the program may come.
#include "runtime/facade/forks.h"

#include "compiler/base/error.h"
#include "compiler/codegen/compile_gate.h"
#include "runtime/code/slab_fork.h"
#include "runtime/facade/running.h"
#include "runtime/facade/runtime_impl.h"
#include "runtime/process/fork_handlers.h"
#include "runtime/process/leaf_mutex.h"
#include "runtime/threads/safepoint_gate.h"
#include "runtime/threads/start_thread.h"
#include "runtime/threads/undisturbed.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/Support/Errno.h>

#include <chrono>
#include <cstddef>
#include <new>
#include <thread>
#include <utility>

using namespace llvm;

namespace osr {
namespace {

/// Of the thread that forks, in the order of taking.
struct AroundFork {
  Undisturbed undisturbed;
  RunningRuntimes running;
};

/// Of each thread, and none of the heap's: a handler may fork that has interrupted malloc.
struct AroundForkOfThread {
  alignas(AroundFork) std::byte bytes[sizeof(AroundFork)] = {};
  bool is_made = false; ///< else the handlers came when the fork had begun
};
constinit thread_local AroundForkOfThread around_fork __attribute__((tls_model("initial-exec")));

/// A request holds its engine's lock when it takes the registry's. If no runtime runs, one may be on its way to its end, with what the
/// process has once in its hands.
OSR_UNCHECKED_LOCKS void before_fork() { // after_fork() gives back
  auto *around = new (around_fork.bytes) AroundFork;
  for (RuntimeImpl *runtime : around->running.all()) {
    runtime->shares.is_locked_for_fork = !runtime->is_in_callback(); // a listener may fork
    if (runtime->shares.is_locked_for_fork)
      runtime->engine->mutex().lock();
    runtime->engine->compiler().gate().lock(); // nobody is within LLVM
  }
  process_threads().mutex().lock();
  for (RuntimeImpl *runtime : around->running.all())
    runtime->rooms.before_fork();
  LeafMutex::lock_all();
  around_fork.is_made = true;
}

OSR_UNCHECKED_LOCKS void after_fork(ForkSide side) {
  if (!std::exchange(around_fork.is_made, false))
    return;
  auto *around = std::launder(reinterpret_cast<AroundFork *>(around_fork.bytes));
  LeafMutex::unlock_all();
  if (side == ForkSide::Child) {
    process_threads().keep_only_current();
    forget_other_threads();
    process_safepoints().forget_other_threads(process_threads());
    for (RuntimeImpl *runtime : around->running.all()) {
      runtime->engine->mutex().forget_waiting();
      runtime->uses = RuntimeImpl::Use::count_own(*runtime);
    }
  }
  for (RuntimeImpl *runtime : around->running.all())
    runtime->rooms.after_fork(side == ForkSide::Child);
  process_threads().mutex().unlock();
  for (RuntimeImpl *runtime : reverse(around->running.all())) {
    runtime->engine->compiler().gate().unlock();
    if (runtime->shares.is_locked_for_fork)
      runtime->engine->mutex().unlock();
  }
  around->~AroundFork();
}

constinit CompileGate gate; ///< shared by who makes a runtime
/// How often the calling thread shares it. A library that it loads may fork, and so may a handler of a signal.
constinit thread_local unsigned in_gate __attribute__((tls_model("initial-exec"))) = 0;

constinit thread_local bool has_closed_gate __attribute__((tls_model("initial-exec"))) = false;
/// Whoever shares it may be in the constructor of a library, and that may wait for the lock that the C library (glibc 2.36) holds
/// while these handlers run.
constexpr std::chrono::milliseconds longest_wait_for_gate{500};

// Between the two the forking thread has the gate alone.
OSR_UNCHECKED_LOCKS void close_gate() {
  if (in_gate != 0)
    return;
  const auto end = std::chrono::steady_clock::now() + longest_wait_for_gate;
  while (!(has_closed_gate = gate.try_lock()) && std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
}

OSR_UNCHECKED_LOCKS void open_gate(ForkSide side) {
  const bool was_closed = std::exchange(has_closed_gate, false);
  if (side == ForkSide::Child)
    gate.keep_only_current(in_gate != 0);
  else if (was_closed)
    gate.unlock();
}

/// Handlers run before those that came earlier: each lock is taken before those with which somebody may wait for it.
int add_all_handlers() {
  const int error = add_fork_handlers({before_fork, after_fork});
  return error ? error : add_fork_handlers({close_gate, open_gate});
}

} // namespace

Error watch_forks() {
  if (Error error = install_slab_fork_handlers())
    return error;
  static const int error = add_all_handlers();
  return error ? make_error("forks cannot be watched: pthread_atfork failed: {}", sys::StrError(error))
               : Error::success();
}

OSR_UNCHECKED_LOCKS NoForks::NoForks() {
  if (in_gate++ == 0)
    gate.lock_shared();
}

OSR_UNCHECKED_LOCKS NoForks::~NoForks() {
  if (--in_gate == 0)
    gate.unlock_shared();
}

} // namespace osr
