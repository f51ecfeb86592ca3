// Checks the registry of threads, its turns, and forks.
#include "osr-stubs/vfork.h"
#include "test/unit/threads_fixture.h"

#include <cerrno>
#include <mutex>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace llvm;
using namespace osr;

TEST_CASE("A thread is known from its registration to its removal") {
  ThreadRegistry registry;
  CHECK(ThreadRegistry::current() == nullptr);
  ProgramThread *self = cantFail(registry.add_current(small_object_stack));
  CHECK(ThreadRegistry::current() == self);
  CHECK(self->tid == gettid());
  CHECK(self->stack_low < reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)));
  {
    TestThread other(registry, [](TestThread &thread) { thread.spin(); });
    Lock lock(registry.mutex());
    CHECK(registry.threads().size() == 2);
    CHECK(registry.threads()[1]->tid == other.tid());
  }
  CHECK(count_threads(registry) == 1);
  CHECK(registry.most_at_once() == 2);
  registry.remove_current();
  CHECK(count_threads(registry) == 0);
  CHECK(ThreadRegistry::current() == nullptr);
  registry.remove_current(); // without effect
}

TEST_CASE("Only the child's own thread is left after a fork") {
  ThreadRegistry registry;
  cantFail(registry.add_current(small_object_stack));
  TestThread other(registry, [](TestThread &thread) { thread.spin(); });
  Lock lock(registry.mutex());
  registry.keep_only_current(); // the records are what the child has; this process plays it
  CHECK(registry.threads().size() == 1);
  CHECK(registry.threads()[0].get() == ThreadRegistry::current());
  lock.unlock();
  registry.remove_current();
  other.forget();
}

TEST_CASE("vfork without a process says why") {
  const rlimit none{0, 0};
  rlimit before{};
  getrlimit(RLIMIT_NPROC, &before);
  if (geteuid() == 0) // whom no limit holds
    return;
  setrlimit(RLIMIT_NPROC, &none);
  const pid_t child = osr_vfork();
  if (child == 0)
    _exit(0);
  CHECK(child == -1);
  CHECK(errno == EAGAIN);
  CHECK(osr_vforks == 0);
  setrlimit(RLIMIT_NPROC, &before);
}

TEST_CASE("Whoever takes a turn after those who wait is last, and can do so at once when nobody does") {
  TurnMutex mutex;
  std::vector<int> order;
  mutex.lock();
  std::vector<std::thread> waiting;
  for (std::uint32_t i = 1; i <= 3; ++i) {
    waiting.emplace_back([&] {
      Lock lock(mutex);
      order.push_back(1);
    });
    while (mutex.waiting() < i)
      sched_yield();
  }
  CHECK_FALSE(mutex.try_lock_for(std::chrono::milliseconds(0)));
  mutex.unlock();
  mutex.lock_after_waiting();
  order.push_back(2);
  mutex.unlock();
  for (std::thread &thread : waiting)
    thread.join();
  CHECK(order == std::vector{1, 1, 1, 2});
  mutex.lock_after_waiting();
  CHECK(mutex.waiting() == 0);
  mutex.unlock();
}
