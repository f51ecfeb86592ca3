#include "runtime/facade/running.h"

#include "runtime/code/range_map.h"
#include "runtime/facade/runtime_impl.h"
#include "runtime/guest/program_exit.h"
#include "runtime/threads/undisturbed.h"

#include <llvm/ADT/STLExtras.h>

using namespace llvm;

namespace osr {
namespace {

constinit RangeMap<RuntimeImpl> by_address;
auto &mutex = *new std::mutex; ///< never destroyed: the process may end while runtimes run
auto &runtimes = *new std::vector<RuntimeImpl *>; ///< in the order in which they began

void say_whether_handlers_are_possible() {
  set_handlers_are_possible(runtimes.empty() ||
                            any_of(runtimes, [](const RuntimeImpl *each) { return each->may_handle_signals(); }));
}

/// Called while the process ends, by whatever thread.
void hide_control_sockets() {
  for (RuntimeImpl *runtime : RunningRuntimes(std::try_to_lock).all())
    if (runtime->control)
      runtime->control->hide();
}

} // namespace

RuntimeImpl *running_at(std::uint64_t address) { return by_address.find(address); }

void add_running(RuntimeImpl &runtime) {
  std::lock_guard lock(mutex);
  runtimes.push_back(&runtime);
  say_whether_handlers_are_possible();
  by_address.add(runtime.engine->arena().addresses(), runtime);
  if (runtime.control)
    set_end_hook(hide_control_sockets);
}

void remove_running(RuntimeImpl &runtime) {
  std::lock_guard lock(mutex);
  if (!is_contained(runtimes, &runtime))
    return;
  by_address.remove(runtime);
  erase(runtimes, &runtime);
  say_whether_handlers_are_possible();
}

RunningRuntimes::RunningRuntimes() : lock_(mutex) {}
RunningRuntimes::RunningRuntimes(std::try_to_lock_t) : lock_(mutex, std::try_to_lock) {}
ArrayRef<RuntimeImpl *> RunningRuntimes::all() const {
  return lock_.owns_lock() ? ArrayRef<RuntimeImpl *>(runtimes) : ArrayRef<RuntimeImpl *>();
}

} // namespace osr
