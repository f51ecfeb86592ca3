#include "runtime/process/fork_handlers.h"

#include "compiler/base/check.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <pthread.h>

namespace osr {
namespace {

constexpr std::size_t most_handlers = 5;
struct Registered {
  ForkHandlers handlers;
  std::atomic<bool> is_ready = false;
};
std::array<Registered, most_handlers> registered;
std::atomic<std::size_t> registered_count = 0;
constinit thread_local std::uint32_t called_before __attribute__((tls_model("initial-exec"))) = 0; ///< a bit for each
bool is_child_of_raw_fork = false;

/// pthread_atfork takes functions without arguments: one set for each number.
template <std::size_t Number> int register_with_library() {
  return ::pthread_atfork([] { registered[Number].handlers.before(); },
                          [] { registered[Number].handlers.after(ForkSide::Parent); },
                          [] { registered[Number].handlers.after(ForkSide::Child); });
}
constexpr std::array<int (*)(), most_handlers> by_number{register_with_library<0>, register_with_library<1>,
                                                         register_with_library<2>, register_with_library<3>,
                                                         register_with_library<4>};

} // namespace

/// Without a lock: pthread_atfork waits for forks, and these for all leaves.
int add_fork_handlers(const ForkHandlers &handlers) {
  const std::size_t number = registered_count.fetch_add(1);
  OSR_CHECK(number < most_handlers, "more than {} handlers of forks", most_handlers);
  registered[number].handlers = handlers;
  const int error = by_number[number]();
  registered[number].is_ready = error == 0;
  return error;
}

void before_raw_fork() {
  called_before = 0;
  for (std::size_t i = most_handlers; i-- != 0;)
    if (registered[i].is_ready) {
      registered[i].handlers.before();
      called_before |= 1U << i;
    }
}

void after_raw_fork(ForkSide side) {
  is_child_of_raw_fork |= side == ForkSide::Child;
  for (std::size_t i = 0; i != most_handlers; ++i)
    if (called_before >> i & 1)
      registered[i].handlers.after(side);
}

bool is_raw_child() { return is_child_of_raw_fork; }

} // namespace osr
