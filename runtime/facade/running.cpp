#include "runtime/facade/running.h"

#include "compiler/base/mutex.h"
#include "runtime/code/range_map.h"
#include "runtime/facade/runtime_impl.h"
#include "runtime/guest/program_exit.h"
#include "runtime/threads/undisturbed.h"

#include <llvm/ADT/STLExtras.h>

using namespace llvm;

namespace osr {
namespace {

constinit RangeMap<RuntimeImpl> by_address;
auto &mutex = *new Mutex; ///< never destroyed: the process may end while runtimes run
auto &runtimes OSR_GUARDED_BY(mutex) = *new std::vector<RuntimeImpl *>; ///< in the order in which they began

void say_whether_handlers_are_possible() OSR_REQUIRES(mutex) {
  set_handlers_are_possible(runtimes.empty() ||
                            any_of(runtimes, [](const RuntimeImpl *each) { return each->may_handle_signals(); }));
}

/// Called while the process ends, by whatever thread.
void hide_control_sockets() {
  for (RuntimeImpl *runtime : RunningRuntimes(RunningRuntimes::IfFree()).all())
    if (runtime->rooms.control)
      runtime->rooms.control->hide();
}

} // namespace

RuntimeImpl *running_at(std::uint64_t address) { return by_address.find(address); }

bool tell_hosts(StringRef message) {
  bool is_told = false;
  const RunningRuntimes running((RunningRuntimes::IfFree()));
  for (const RuntimeImpl *runtime : running.all())
    if (runtime->options.message) {
      runtime->options.message(message);
      is_told = true;
    }
  return is_told;
}

void add_running(RuntimeImpl &runtime) {
  Lock lock(mutex);
  runtimes.push_back(&runtime);
  say_whether_handlers_are_possible();
  by_address.add(runtime.engine->arena().addresses(), runtime);
  if (runtime.rooms.control)
    set_end_hook(hide_control_sockets);
}

void remove_running(RuntimeImpl &runtime) {
  Lock lock(mutex);
  if (!is_contained(runtimes, &runtime))
    return;
  by_address.remove(runtime);
  erase(runtimes, &runtime);
  say_whether_handlers_are_possible();
}

// Whether it holds the mutex, only it knows: OSR_UNCHECKED_LOCKS.
OSR_UNCHECKED_LOCKS RunningRuntimes::RunningRuntimes() : is_locked_(true) { mutex.lock(); }
OSR_UNCHECKED_LOCKS RunningRuntimes::RunningRuntimes(IfFree) : is_locked_(mutex.try_lock()) {}
OSR_UNCHECKED_LOCKS RunningRuntimes::~RunningRuntimes() {
  if (is_locked_)
    mutex.unlock();
}
OSR_UNCHECKED_LOCKS ArrayRef<RuntimeImpl *> RunningRuntimes::all() const {
  return is_locked_ ? ArrayRef<RuntimeImpl *>(runtimes) : ArrayRef<RuntimeImpl *>();
}

} // namespace osr
