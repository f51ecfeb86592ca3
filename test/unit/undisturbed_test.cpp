// Check that handlers and cancellation wait for the runtime, that nothing of it is left by whoever jumps away, and that its
// heap is not the program's.
#include "runtime/threads/undisturbed.h"

#include "runtime/threads/own_heap.h"
#include "test/support/catch_header.h"

#include <atomic>
#include <csetjmp>
#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <memory>
#include <sys/time.h>

namespace osr {
namespace {

std::atomic<int> handled = 0;
sigjmp_buf out;

void handle(int number, void (*handler)(int)) {
  struct sigaction action{};
  action.sa_handler = handler;
  REQUIRE(sigaction(number, &action, nullptr) == 0);
}

bool is_blocked(int number) {
  sigset_t mask;
  pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  return sigismember(&mask, number) == 1;
}

int cancel_state() {
  int state = 0;
  pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
  pthread_setcancelstate(state, nullptr);
  return state;
}

TEST_CASE("Handlers wait until the outermost guard ends, and errno is what it was") {
  handle(SIGUSR1, [](int) { ++handled; });
  handled = 0;
  errno = EDOM;
  {
    Undisturbed outer;
    {
      Undisturbed inner;
      raise(SIGUSR1);
      errno = ERANGE;
    }
    CHECK(handled == 0);
    CHECK(cancel_state() == PTHREAD_CANCEL_DISABLE);
  }
  CHECK(handled == 1);
  CHECK(errno == EDOM);
  CHECK(!is_blocked(SIGUSR1));
}

/// In a function of its own, which holds no objects when it is left.
[[gnu::noinline]] void raise_in_guard() {
  Undisturbed undisturbed;
  raise(SIGUSR1);
}

TEST_CASE("A handler that leaves by siglongjmp leaves nothing of the guard behind") {
  handle(SIGUSR1, [](int) { siglongjmp(out, 1); });
  const bool ran_program = std::exchange(runs_program, true);
  for (volatile int round = 0; round < 3; round = round + 1) {
    if (sigsetjmp(out, 1) == 0) {
      raise_in_guard();
      FAIL("the handler did not jump");
    }
    CHECK(cancel_state() == PTHREAD_CANCEL_ENABLE);
    CHECK(!is_blocked(SIGUSR1));
    CHECK(runs_program);
  }
  handle(SIGUSR1, [](int) { ++handled; });
  handled = 0;
  raise_in_guard(); // it still puts handlers off, and lets them come
  CHECK(handled == 1);
  runs_program = ran_program;
}

TEST_CASE("Nothing is blocked where no handler is possible") {
  set_handlers_are_possible(false);
  {
    Undisturbed undisturbed;
    CHECK(!is_blocked(SIGUSR1));
    CHECK(cancel_state() == PTHREAD_CANCEL_DISABLE);
  }
  set_handlers_are_possible(true);
}

TEST_CASE("A thread that may be cancelled at any instruction is cancelled where the guard ends") {
  static std::atomic<bool> is_inside, was_sent, was_blocked_behind;
  is_inside = was_sent = was_blocked_behind = false;
  pthread_t thread;
  const auto body = [](void *) -> void * {
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, nullptr);
    struct Behind {
      ~Behind() { was_blocked_behind = is_blocked(SIGUSR1); }
    } behind;
    Undisturbed undisturbed;
    is_inside = true;
    while (!was_sent) {
    }
    return nullptr;
  };
  REQUIRE(pthread_create(&thread, nullptr, body, nullptr) == 0);
  while (!is_inside) {
  }
  pthread_cancel(thread);
  was_sent = true;
  void *result = nullptr;
  pthread_join(thread, &result);
  CHECK(result == PTHREAD_CANCELED);
  CHECK(!was_blocked_behind);
}

/// The calling thread is the program's for as long as this lives.
struct InProgram {
  InProgram() { runs_program = true; }
  ~InProgram() { runs_program = false; }
};

/// In the runtime's heap.
std::uintptr_t own_block() {
  static void *const block = std::malloc(100);
  return reinterpret_cast<std::uintptr_t>(block);
}

bool is_near_own(const void *block) {
  const auto address = reinterpret_cast<std::uintptr_t>(block);
  return std::max(address, own_block()) - std::min(address, own_block()) < std::uintptr_t(16) << 30;
}

TEST_CASE("Blocks come from the heap of whoever asks, and go back to where they are from") {
  if (!has_own_heap())
    return; // this process has one heap
  char *const of_runtime = static_cast<char *>(std::malloc(1000));
  std::memset(of_runtime, 'r', 1000);
  char *of_program = nullptr, *moved = nullptr;
  void *aligned = nullptr;
  {
    InProgram in_program;
    of_program = static_cast<char *>(std::malloc(1000));
    std::memset(of_program, 'p', 1000);
    moved = static_cast<char *>(std::realloc(of_runtime, 5000));
    REQUIRE(posix_memalign(&aligned, 256, 100) == 0);
  }
  CHECK(is_near_own(std::unique_ptr<char>(new char).get()));
  CHECK(!is_near_own(of_program));
  CHECK(!is_near_own(moved));
  CHECK(!is_near_own(aligned));
  CHECK(reinterpret_cast<std::uintptr_t>(aligned) % 256 == 0);
  CHECK(malloc_usable_size(moved) >= 5000);
  CHECK(std::string(moved, 1000) == std::string(1000, 'r'));
  std::free(moved);
  std::free(of_program);
  std::free(aligned);
  CHECK(posix_memalign(&aligned, 24, 100) == EINVAL);
  CHECK(std::calloc(SIZE_MAX / 2, 4) == nullptr);
}

TEST_CASE("The runtime's heap is never in mid-change when a handler needs it") {
  if (!has_own_heap())
    return; // this process has one heap
  static std::atomic<int> ticks;
  static std::vector<char *> given; // to the program, which frees them
  ticks = 0;
  given.assign(1000, nullptr);
  handle(SIGALRM, [](int) {
    Undisturbed undisturbed;
    const auto scratch = std::make_unique<std::vector<std::string>>(20, std::string(200, 'x'));
    given[std::size_t(++ticks) % given.size()] = new char[64];
  });
  const itimerval fast{{0, 100}, {0, 100}}, none{};
  {
    InProgram in_program;
    setitimer(ITIMER_REAL, &fast, nullptr);
    for (std::size_t size = 1; ticks < 500; size = size * 7919 % 20011) {
      char *volatile block = static_cast<char *>(std::malloc(size));
      block[0] = 1;
      std::free(std::realloc(block, size / 2 + 1));
      for (char *&each : given)
        delete[] std::exchange(each, nullptr);
    }
    setitimer(ITIMER_REAL, &none, nullptr);
  }
  CHECK(ticks >= 500);
}

} // namespace
} // namespace osr
