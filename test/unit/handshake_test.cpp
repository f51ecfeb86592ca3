// Checks handshakes: every way a thread may spend its time while it is stopped.
#include "osr-stubs/vfork.h"
#include "runtime/threads/handshake.h"
#include "runtime/threads/safepoint_gate.h"
#include "test/unit/threads_fixture.h"

#include <cerrno>
#include <csignal>
#include <mutex>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace llvm;
using namespace osr;
using Catch::Matchers::Contains;

TEST_CASE("A spinning thread stands still while the work is done, and goes on") {
  Stopper stopper;
  TestThread thread(stopper.registry, [](TestThread &self) { self.spin(); });
  for (int round = 0; round < 200; ++round) {
    thread.wait_for_progress();
    stopper.stop([&](auto threads) {
      REQUIRE(threads.size() == 1);
      CHECK(threads[0]->stop == StopState::Stopped);
      std::uint64_t count = thread.count();
      for (int i = 0; i < 100; ++i)
        sched_yield();
      CHECK(thread.count() == count);
    });
  }
  thread.wait_for_progress();
}

TEST_CASE("A blocking read is stopped and restarted: the program sees no EINTR") {
  Stopper stopper;
  Pipe pipe;
  std::atomic<int> byte = 0;
  TestThread thread(stopper.registry, [&](TestThread &self) { byte = plain::read_byte(pipe.reading, self.counter()); });
  thread.wait_until_counting();
  for (int round = 0; round < 50; ++round)
    stopper.stop_inside(thread, SYS_read);
  REQUIRE(write(pipe.writing, "x", 1) == 1);
  thread.join();
  CHECK(byte == 'x');
}

TEST_CASE("A thread that waits for a mutex is stopped, and gets the mutex later", OSR_STOPS_ANYWHERE) {
  Stopper stopper;
  std::mutex mutex;
  std::atomic<bool> got = false;
  mutex.lock();
  TestThread thread(stopper.registry, [&](TestThread &) {
    std::lock_guard lock(mutex);
    got = true;
  });
  for (int round = 0; round < 50; ++round)
    stopper.stop_inside(thread, SYS_futex);
  CHECK_FALSE(got);
  mutex.unlock();
  thread.join();
  CHECK(got);
}

TEST_CASE("A thread that blocks the signal is named; nothing is done, all go on, and a later handshake succeeds") {
  Stopper stopper({.limit = std::chrono::milliseconds(500)});
  std::atomic<bool> may_unblock = false;
  TestThread deaf(
      stopper.registry,
      [&](TestThread &self) {
        SignalsBlocked blocked;
        self.spin_until(may_unblock);
      },
      /*then_spin=*/true);
  TestThread other(stopper.registry, [](TestThread &self) { self.spin(); });
  deaf.wait_for_progress();
  other.wait_for_progress();
  std::string error = toString(stopper.handshake->with_stopped([](auto) { FAIL("not all have stopped"); }));
  CHECK_THAT(error, Contains(std::to_string(deaf.tid()) + " did not stop within 500 ms") && Contains("may be blocked"));
  CHECK_THAT(error, !Contains(std::to_string(other.tid())));
  other.wait_for_progress();
  deaf.wait_for_progress();
  may_unblock = true; // the signal of the handshake that was given up arrives now
  deaf.wait_until_spinning();
  deaf.wait_for_progress();
  stopper.stop([](auto threads) { CHECK(threads.size() == 2); });
  other.wait_for_progress();
  deaf.wait_for_progress();
}

TEST_CASE("A thread in vfork is named long before the time is over, since its child may wait for the requester") {
  Stopper stopper({.limit = std::chrono::hours(1)});
  Pipe to_child, from_child;
  std::atomic<int> status = 0;
  TestThread thread(stopper.registry, [&](TestThread &) {
    const pid_t child = osr_vfork();
    if (child == 0) {
      char byte = 'c';
      (void)!write(from_child.writing, &byte, 1);
      (void)!read(to_child.reading, &byte, 1);
      _exit(byte);
    }
    int ended = 0;
    waitpid(child, &ended, 0);
    status = WEXITSTATUS(ended);
    errno = 0;
  });
  char byte = 0;
  REQUIRE(read(from_child.reading, &byte, 1) == 1); // the child runs
  bool called = false;
  Error error = stopper.handshake->with_stopped([&](auto) { called = true; });
  CHECK(!called);
  CHECK_THAT(toString(std::move(error)), Contains(std::to_string(thread.tid())) && Contains("vfork"));
  REQUIRE(write(to_child.writing, "7", 1) == 1);
  thread.join();
  CHECK(status == '7');
  CHECK(osr_vforks == 0);
  stopper.stop([](auto) {});
}

TEST_CASE("Many threads stop each other at once, one after the other", OSR_STOPS_ANYWHERE) {
  Stopper stopper;
  constexpr int requesters = 4, rounds = 200;
  std::atomic<int> inside = 0, done = 0;
  {
    std::vector<std::unique_ptr<TestThread>> threads;
    for (int i = 0; i < requesters; ++i)
      threads.push_back(std::make_unique<TestThread>(stopper.registry, [&](TestThread &) {
        for (int round = 0; round < rounds; ++round)
          stopper.stop([&](auto stopped) {
            if (inside++ != 0 || !all_but_current_stopped(stopped))
              std::abort(); // an assertion of the test library would allocate
            --inside;
            ++done;
          });
      }));
  }
  CHECK(done == requesters * rounds);
}

TEST_CASE("Threads start and end during handshakes", OSR_STOPS_ANYWHERE) {
  Stopper stopper;
  constexpr int starters = 2, threads_each = 300;
  std::atomic<int> running = starters, begun = 0, stops = 0;
  // Each lives until it has been seen by one handshake; what the other starter's threads do meanwhile is open.
  auto live_for_a_stop = [&](TestThread &) {
    int before = stops;
    ++begun;
    while (stops == before)
      sched_yield();
  };
  std::vector<std::thread> starting;
  for (int i = 0; i < starters; ++i)
    starting.emplace_back([&] {
      for (int k = 0; k < threads_each; ++k)
        TestThread(stopper.registry, live_for_a_stop);
      --running;
    });
  int with_threads = 0;
  for (int seen = 0; running > 0;) {
    while (running > 0 && begun == seen)
      sched_yield();
    bool all_stopped = false;
    seen = begun;
    stopper.stop([&](auto threads) {
      all_stopped = all_but_current_stopped(threads);
      with_threads += !threads.empty();
    });
    ++stops;
    CHECK(all_stopped);
  }
  for (std::thread &thread : starting)
    thread.join();
  CHECK(begun == starters * threads_each);
  CHECK(with_threads > 0); // the first thread cannot end before the first stop
  CHECK(count_threads(stopper.registry) == 0);
}

TEST_CASE("A thread that is about to start gets its turn before the next handshake", OSR_STOPS_ANYWHERE) {
  Stopper stopper;
  std::atomic<bool> seen = false;
  stopper.registry.mutex().lock(); // as a handshake under way
  std::thread starting([&] {
    cantFail(stopper.registry.add_current(small_object_stack));
    seen.wait(false);
    stopper.registry.remove_current();
  });
  while (stopper.registry.mutex().waiting() < 1)
    sched_yield();
  stopper.registry.mutex().unlock();
  std::size_t registered = 0;
  stopper.stop([&](auto threads) { registered = threads.size(); });
  CHECK(registered == 1);
  seen = true;
  seen.notify_all();
  starting.join();
}

TEST_CASE("errno is as it was after a stop") {
  Stopper stopper;
  std::atomic<bool> end = false, stays = false;
  TestThread thread(stopper.registry, [&](TestThread &self) { stays = plain::errno_stays(77, end, self.counter()); });
  for (int round = 0; round < 200; ++round) {
    thread.wait_for_progress();
    stopper.stop([](auto) {});
  }
  end = true;
  thread.join();
  CHECK(stays);
}

TEST_CASE("A requester that is registered sees its own registers") {
  Stopper stopper;
  ProgramThread *self = cantFail(stopper.registry.add_current(small_object_stack));
  std::uint64_t sp = 0;
  stack_t alternate{}, seen{};
  std::vector<char> memory(4 * std::size_t(MINSIGSTKSZ));
  alternate.ss_sp = memory.data();
  alternate.ss_size = memory.size();
  REQUIRE(sigaltstack(&alternate, nullptr) == 0);
  stopper.stop([&](auto) {
    sp = self->context ? std::uint64_t(self->context->uc_mcontext.gregs[REG_RSP]) : 0;
    seen = self->context ? self->context->uc_stack : stack_t();
  });
  CHECK(seen.ss_sp == static_cast<void *>(memory.data()));
  CHECK(seen.ss_size == memory.size());
  alternate.ss_flags = SS_DISABLE;
  REQUIRE(sigaltstack(&alternate, nullptr) == 0);
  stopper.stop([&](auto) { seen = self->context->uc_stack; });
  CHECK((seen.ss_flags & SS_DISABLE) != 0);
  auto here = reinterpret_cast<std::uint64_t>(__builtin_frame_address(0));
  CHECK(sp > here - 65536);
  CHECK(sp <= here);
  stopper.registry.remove_current();
}

TEST_CASE("A signal number that is no real-time signal is refused with the range") {
  ThreadRegistry registry;
  auto handshake = Handshake::create(registry, {.signal_number = SIGUSR1});
  REQUIRE_FALSE(bool(handshake));
  CHECK_THAT(toString(handshake.takeError()), Contains("signal 10 cannot be used") && Contains("choose one from"));
}

TEST_CASE("In the child of a fork nobody waits for a collector that was about to close the gate") {
  ThreadRegistry registry;
  SafepointGate gate;
  gate.use();
  ProgramThread &self = *cantFail(registry.add_current(small_object_stack));
  gate.enter(self);
  std::atomic<bool> closed = false;
  std::thread collector([&] {
    SignalsBlocked blocked;
    const SafepointGate::Closed held = cantFail(SafepointGate::Closed::close(gate, registry, std::chrono::hours(1)));
    closed = true;
  });
  while (self.poll_word->load() != PollWord::Safepoint)
    std::this_thread::yield();
  pid_t child = 0;
  {
    Lock lock(registry.mutex()); // as the runtime's handlers of forks hold it: the collector takes it each millisecond
    child = fork();
    if (child == 0) {
      registry.keep_only_current();
      gate.forget_other_threads(registry);
    }
  }
  if (child == 0) {
    const bool is_free = self.poll_word->load() != PollWord::Safepoint;
    gate.pass(self); // would wait for ever
    const bool can_close = bool(SafepointGate::Closed::close(gate, registry, std::chrono::hours(1)));
    _exit(is_free && can_close ? 9 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WEXITSTATUS(status) == 9);
  CHECK_FALSE(closed);
  gate.pass(self); // now the collector of this process comes to its turn
  collector.join();
  gate.leave(self);
  registry.remove_current();
}
