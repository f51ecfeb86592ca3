// The program forks. What the other threads were doing must be whole in the child: their locks are taken first. Both sides
// give back what the forking thread holds before a handler of the program may come.
#include "compiler/base/error.h"
#include "runtime/facade/runtime_impl.h"
#include "runtime/threads/start_thread.h"
#include "runtime/threads/undisturbed.h"

#include <cstring>
#include <pthread.h>

using namespace llvm;

namespace osr {
namespace {

Undisturbed *around_fork = nullptr; ///< of the thread that forks

enum class Side : std::uint8_t { Parent, Child };

void before_fork() {
  if (!running())
    return;
  RuntimeImpl &runtime = *running();
  auto *undisturbed = new Undisturbed;
  runtime.engine->mutex().lock();
  around_fork = undisturbed;
  runtime.engine->compiler().gate().lock(); // nobody is within LLVM
  runtime.engine->threads().mutex().lock();
  if (runtime.tiering)
    runtime.tiering->before_fork();
}

void after_fork(Side side) {
  if (!running())
    return;
  RuntimeImpl &runtime = *running();
  Engine &engine = *runtime.engine;
  if (side == Side::Child) {
    engine.mutex().forget_waiting();
    engine.threads().keep_only_current();
    forget_other_threads();
    runtime.stress->forget_threads();
    runtime.replacer->forget_threads();
    if (runtime.control)
      runtime.control->forget_threads();
  }
  if (runtime.tiering)
    runtime.tiering->after_fork(side == Side::Child);
  engine.threads().mutex().unlock();
  engine.compiler().gate().unlock();
  const Undisturbed *undisturbed = std::exchange(around_fork, nullptr);
  engine.mutex().unlock();
  delete undisturbed;
}

} // namespace

Error watch_forks() {
  static const int error =
      pthread_atfork(before_fork, [] { after_fork(Side::Parent); }, [] { after_fork(Side::Child); });
  return error ? make_error("forks cannot be watched: pthread_atfork failed: {}", std::strerror(error))
               : Error::success();
}

} // namespace osr
