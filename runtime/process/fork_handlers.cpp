#include "runtime/process/fork_handlers.h"

#include "compiler/base/check.h"
#include "runtime/process/leaf_mutex.h"

#include <array>
#include <cstddef>
#include <pthread.h>

namespace osr {
namespace {

constexpr std::size_t most_handlers = 4;
std::array<ForkHandlers, most_handlers> fork_handlers;
std::size_t handler_count = 0;
bool is_child_of_raw_fork = false;

/// pthread_atfork takes functions without arguments: one set for each number.
template <std::size_t Number> int register_with_library() {
  return ::pthread_atfork([] { fork_handlers[Number].before(); }, [] { fork_handlers[Number].after(ForkSide::Parent); },
                          [] { fork_handlers[Number].after(ForkSide::Child); });
}
constexpr std::array<int (*)(), most_handlers> by_number{register_with_library<0>, register_with_library<1>,
                                                         register_with_library<2>, register_with_library<3>};

} // namespace

int add_fork_handlers(const ForkHandlers &handlers) {
  static auto &mutex = *new LeafMutex;
  const Lock lock(mutex);
  OSR_CHECK(handler_count != most_handlers, "more than {} handlers of forks", most_handlers);
  fork_handlers[handler_count] = handlers;
  const int error = by_number[handler_count]();
  handler_count += error == 0;
  return error;
}

void before_raw_fork() {
  for (std::size_t i = handler_count; i != 0; --i)
    fork_handlers[i - 1].before();
}

void after_raw_fork(ForkSide side) {
  is_child_of_raw_fork |= side == ForkSide::Child;
  for (std::size_t i = 0; i != handler_count; ++i)
    fork_handlers[i].after(side);
}

bool is_raw_child() { return is_child_of_raw_fork; }

} // namespace osr
