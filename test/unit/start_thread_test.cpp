// Checks threads that a program starts itself: registered from their first to their last instruction of program code.
#include "runtime/threads/start_thread.h"
#include "runtime/threads/thread_objects.h"
#include "test/unit/threads_fixture.h"

#include <cerrno>
#include <fstream>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <threads.h>
#include <unistd.h>

using namespace llvm;
using namespace osr;

namespace {

/// The program's view of the C library. There is one per process.
struct ProgramCalls {
  Stopper stopper;
  std::vector<AbsoluteSymbol> symbols = start_thread_symbols();
  ProgramCalls() { cantFail(watch_ends_of_threads(stopper.registry)); }

  template <typename Function> Function *find(Function *, StringRef name) const {
    auto found = find_if(symbols, [&](const AbsoluteSymbol &symbol) { return symbol.first == name; });
    REQUIRE(found != symbols.end());
    return reinterpret_cast<Function *>(found->second);
  }
  std::size_t count_threads() { return osr::count_threads(stopper.registry); }
};

ProgramCalls &calls() {
  static auto *instance = new ProgramCalls; // threads may end after main
  return *instance;
}

#define PROGRAM_CALL(name) calls().find(&name, #name)

using ThreadAtExit = int(void (*)(void *), void *, void *);
ThreadAtExit *find_thread_atexit() { return calls().find(static_cast<ThreadAtExit *>(nullptr), "__cxa_thread_atexit"); }

pthread_t start(void *(*function)(void *), void *argument = nullptr) {
  pthread_t thread;
  REQUIRE(PROGRAM_CALL(pthread_create)(&thread, nullptr, function, argument) == 0);
  return thread;
}

/// Notes whether a cancelled thread unwinds its stack inside the handler that stops it: the handler blocks all signals.
struct Cleanup {
  ~Cleanup() {
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    was_stopped = was_stopped || ThreadRegistry::current()->stop != StopState::Running || sigismember(&mask, SIGUSR1);
  }
  static inline std::atomic<bool> was_stopped = false;
};

bool is_at_work() { return ThreadRegistry::current() && ThreadRegistry::current()->base.cfa != 0; }

} // namespace

TEST_CASE("Threads of the program are registered before their first instruction and not after their last") {
  pthread_t thread = start([](void *argument) -> void * { return is_at_work() ? argument : nullptr; }, &thread);
  void *result = nullptr;
  REQUIRE(pthread_join(thread, &result) == 0);
  CHECK(result == &thread);
  CHECK(calls().count_threads() == 0);
}

// ThreadSanitizer does not see that thrd_join joins.
TEST_CASE("C11 threads of the program are registered in the same way", "[thrd_join]") {
  thrd_t other;
  REQUIRE(PROGRAM_CALL(thrd_create)(&other, [](void *) { return is_at_work() ? -5 : 0; }, nullptr) == thrd_success);
  int status = 0;
  REQUIRE(thrd_join(other, &status) == thrd_success);
  CHECK(status == -5);
  CHECK(calls().count_threads() == 0);
}

TEST_CASE("Destructors of thread-specific data run as program code, again if they set their value again") {
  static pthread_key_t key;
  static std::atomic<int> left, outside, fresh;
  static thread_local int own = 0; // freed after the destructors, as the C library does it
  left = 3;
  REQUIRE(PROGRAM_CALL(pthread_key_create)(&key, [](void *value) {
            outside += !is_at_work();
            fresh += own != 9;
            if (--left > 0)
              pthread_setspecific(key, value);
          }) == 0);
  void *(*endings[])(void *) = {
      [](void *argument) -> void * {
        own = 9;
        pthread_setspecific(key, &key);
        return argument;
      },
      [](void *argument) -> void * {
        own = 9;
        pthread_setspecific(key, &key);
        pthread_exit(argument);
      },
  };
  for (auto *ending : endings) {
    left = 3;
    REQUIRE(pthread_join(start(ending), nullptr) == 0);
    CHECK(left == 0);
  }
  CHECK(outside == 0);
  CHECK(fresh == 0);
  CHECK(PROGRAM_CALL(pthread_key_delete)(key) == 0);
}

TEST_CASE("Destructors of thread-local objects run as program code, newest first, before thread-specific data goes") {
  static pthread_key_t key;
  static std::vector<int> order;
  static std::atomic<int> outside;
  static std::vector<std::uint64_t> depths; // from the destructor to the base of the walk: the same at any ending
  static int numbers[] = {0, 1, 2, 3};
  static auto *destroy_at_end = find_thread_atexit();
  static void (*const destroy)(void *) = [](void *object) {
    outside += !is_at_work();
    depths.push_back(ThreadRegistry::current()->base.cfa - reinterpret_cast<std::uint64_t>(__builtin_frame_address(0)));
    order.push_back(*static_cast<int *>(object));
    if (object == &numbers[2])
      destroy_at_end(destroy, &numbers[3], nullptr); // runs next
  };
  static constexpr auto make_objects = [] {
    pthread_setspecific(key, &numbers[0]);
    destroy_at_end(destroy, &numbers[1], nullptr);
    destroy_at_end(destroy, &numbers[2], nullptr);
  };
  REQUIRE(PROGRAM_CALL(pthread_key_create)(&key, [](void *value) { order.push_back(*static_cast<int *>(value)); }) ==
          0);
  for (auto *ending : endings_of<make_objects>) {
    order.clear();
    REQUIRE(pthread_join(start(ending), nullptr) == 0);
    CHECK(order == std::vector<int>{2, 3, 1, 0});
  }
  CHECK(outside == 0);
  CHECK(depths.size() == 9);
  for (std::uint64_t depth : depths)
    CHECK(depth == depths[0]);
  CHECK(PROGRAM_CALL(pthread_key_delete)(key) == 0);
}

TEST_CASE("Thread-local objects are destroyed early when the process ends, once, and later ones never") {
  static std::vector<int> order;
  static int numbers[] = {0, 1, 2};
  static auto *destroy_at_end = find_thread_atexit();
  static const auto destroy = [](void *object) { order.push_back(*static_cast<int *>(object)); };
  order.clear();
  pthread_t thread = start([](void *) -> void * {
    for (int number : {0, 1})
      destroy_at_end(destroy, &numbers[number], nullptr);
    destroy_thread_objects();
    order.push_back(9);
    destroy_at_end(destroy, &numbers[2], nullptr); // by a handler of atexit
    forget_thread_objects();
    return nullptr;
  });
  REQUIRE(pthread_join(thread, nullptr) == 0);
  CHECK(order == std::vector<int>{1, 0, 9});
}

TEST_CASE("The destructor of a deleted key is not called") {
  static tss_t key;
  static std::atomic<int> called = 0;
  static auto *delete_key = PROGRAM_CALL(tss_delete);
  REQUIRE(PROGRAM_CALL(tss_create)(&key, [](void *) { ++called; }) == thrd_success);
  pthread_t thread = start([](void *) -> void * {
    tss_set(key, &key);
    delete_key(key);
    return nullptr;
  });
  REQUIRE(pthread_join(thread, nullptr) == 0);
  CHECK(called == 0);
}

TEST_CASE("A cancellation that comes while a thread is stopped waits until it goes on", OSR_STOPS_ANYWHERE) {
  Pipe pipe;
  static std::atomic<pid_t> tid;
  for (int round = 0; round < 20; ++round) {
    tid = 0;
    pthread_t thread = start(
        [](void *argument) -> void * {
          Cleanup cleanup;
          tid = gettid();
          tid.notify_all();
          char byte;
          return reinterpret_cast<void *>(read(*static_cast<int *>(argument), &byte, 1));
        },
        &pipe.reading);
    tid.wait(0);
    calls().stopper.stop_inside(tid, SYS_read, [&] { pthread_cancel(thread); });
    void *result = nullptr;
    REQUIRE(pthread_join(thread, &result) == 0);
    CHECK(result == PTHREAD_CANCELED);
    CHECK_FALSE(Cleanup::was_stopped);
  }
  CHECK(calls().count_threads() == 0);
}

// Nor can it do without memory.
TEST_CASE("A thread for which there is no memory is not created", "[address-space]") {
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  rlimit before, tight;
  REQUIRE(getrlimit(RLIMIT_AS, &before) == 0);
  tight = before;
  tight.rlim_cur = pages * 4096 + (std::uint64_t(128) << 20); // less than an object stack
  pthread_t thread;
  auto *create = PROGRAM_CALL(pthread_create);
  auto *create_c11 = PROGRAM_CALL(thrd_create);
  REQUIRE(setrlimit(RLIMIT_AS, &tight) == 0);
  int error = create(&thread, nullptr, [](void *) -> void * { return nullptr; }, nullptr);
  int error_c11 = create_c11(&thread, [](void *) { return 0; }, nullptr);
  REQUIRE(setrlimit(RLIMIT_AS, &before) == 0);
  CHECK(error == EAGAIN);
  CHECK(error_c11 == thrd_error);
  CHECK(calls().count_threads() == 0);
  REQUIRE(pthread_join(start([](void *argument) { return argument; }), nullptr) == 0);
}

TEST_CASE("The program cannot block the signal that stops threads, wait for it, or handle it", OSR_STOPS_ANYWHERE) {
  static sigset_t all;
  sigfillset(&all);
  static const int number = Handshake::Options().signal_number;
  static std::atomic<int> seen;
  static auto *set_mask = PROGRAM_CALL(pthread_sigmask);
  static auto *wait = PROGRAM_CALL(sigtimedwait);
  seen = 0;
  pthread_t thread = start([](void *) -> void * {
    sigset_t mask;
    set_mask(SIG_SETMASK, &all, nullptr);
    pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    seen = 1 + sigismember(&mask, number) + 2 * !sigismember(&mask, SIGUSR1);
    seen.notify_all();
    while (wait(&all, nullptr, nullptr) != SIGTERM)
      ;
    return nullptr;
  });
  seen.wait(0);
  CHECK(seen == 1);
  for (int i = 0; i < 100; ++i)
    calls().stopper.stop([](auto threads) { CHECK(threads.size() == 1); });
  pthread_kill(thread, SIGTERM);
  REQUIRE(pthread_join(thread, nullptr) == 0);

  struct sigaction action{}, set{};
  action.sa_handler = SIG_IGN;
  CHECK(PROGRAM_CALL(sigaction)(number, &action, nullptr) == -1);
  CHECK(errno == EINVAL);
  CHECK(PROGRAM_CALL(signal)(number, SIG_DFL) == SIG_ERR);
  sigfillset(&action.sa_mask);
  CHECK(PROGRAM_CALL(sigaction)(SIGUSR2, &action, nullptr) == 0);
  REQUIRE(sigaction(SIGUSR2, nullptr, &set) == 0);
  CHECK_FALSE(sigismember(&set.sa_mask, number));
  CHECK(sigismember(&set.sa_mask, SIGUSR1));
  PROGRAM_CALL(signal)(SIGUSR2, SIG_DFL);
}

TEST_CASE("A thread that somebody else made is registered from its attachment to its end") {
  calls(); // before it there is no program that a thread could be attached to
  std::size_t attached = 0;
  std::thread([&] {
    ProgramThread *self = cantFail(attach_thread());
    CHECK(cantFail(attach_thread()) == self);
    CHECK(self->role == ThreadRole::Host);
    attached = calls().count_threads();
  }).join();
  CHECK(attached == 1);
  CHECK(calls().count_threads() == 0);
  std::thread([&] {
    cantFail(attach_thread());
    detach_thread();
    CHECK(ThreadRegistry::current() == nullptr);
  }).join();
  CHECK(calls().count_threads() == 0);
}
