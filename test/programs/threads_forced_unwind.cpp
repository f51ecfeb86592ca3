// Check that cancelling a thread and pthread_exit run destructors and catch (...) on the way, from any depth.
// libs: -pthread
// needs libstdc++ (__forced_unwind)
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cxxabi.h>
#include <pthread.h>
#include <sched.h>
#include <string>
#include <unistd.h>

namespace {

enum { kinds = 4 };
std::atomic<int> started, survived, handled, forced;
std::atomic<std::uint64_t> destroyed;
int silent_pipe[2];
pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t never = PTHREAD_COND_INITIALIZER;

// Its destructor throws and catches while the thread is being unwound.
struct Held {
  explicit Held(long number) : number(number), text(std::size_t(number % 40), 'x') {}
  ~Held() {
    long sum = number + long(text.size());
    try {
      if (number % 2)
        throw sum;
    } catch (long thrown) {
      sum += thrown;
    }
    destroyed += std::uint64_t(sum);
  }
  long number;
  std::string text;
};

struct Locked {
  Locked() { pthread_mutex_lock(&lock); }
  ~Locked() { pthread_mutex_unlock(&lock); }
};

void wait_in_read() {
  char byte;
  ++started;
  while (read(silent_pipe[0], &byte, 1) != 1)
    ;
}

void wait_for_condition() {
  Locked locked;
  ++started;
  for (;;)
    pthread_cond_wait(&never, &lock);
}

void test_for_it() {
  for (++started;; sched_yield())
    pthread_testcancel();
}

[[noreturn]] void leave() {
  Held held(3);
  ++started;
  pthread_exit(&started);
}

// Three ways to stand in the way of an exception that may not be stopped.
[[gnu::noinline]] long descend(int depth, int kind) {
  Held held(depth);
  const long before = depth * 3 + kind;
  if (depth == 0) {
    void (*const endings[kinds])() = {wait_in_read, wait_for_condition, test_for_it, leave};
    endings[kind]();
    return 1;
  }
  switch (depth % 3) {
  case 0: try { return descend(depth - 1, kind) + before;
    } catch (const abi::__forced_unwind &) {
      forced += int(before);
      throw;
    } catch (const std::string &) {
      ++survived;
    }
    return 0;
  case 1:
    try {
      Held inner(before);
      return descend(depth - 1, kind) * 3 + before;
    } catch (...) {
      handled += int(before);
      throw;
    }
  default: return descend(depth - 1, kind) * 5 + before;
  }
}

void *work(void *argument) {
  const int number = int(reinterpret_cast<std::intptr_t>(argument));
  long result = 0;
  try {
    if (number % 2)
      throw std::string("handled, and the thread goes on");
  } catch (const std::string &text) {
    result = long(text.size());
  }
  result += descend(4 + number % 7, number % kinds);
  ++survived;
  return reinterpret_cast<void *>(result);
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  int cancelled = 0, left = 0;
  if (pipe(silent_pipe) != 0)
    return 2;
  for (int round = 0; round < 5 * scale; ++round) {
    pthread_t threads[kinds];
    started = 0;
    for (int i = 0; i < kinds; ++i)
      pthread_create(&threads[i], nullptr, work, reinterpret_cast<void *>(std::intptr_t(round * (kinds + 1) + i)));
    while (started < kinds)
      usleep(50);
    for (pthread_t thread : threads)
      pthread_cancel(thread); // one of them has left by itself, or is about to
    for (pthread_t thread : threads) {
      void *result;
      pthread_join(thread, &result);
      cancelled += result == PTHREAD_CANCELED;
      left += result == &started;
    }
  }
  std::printf("%d cancelled, %d left, %d survived, %d and %d handlers, %llu\n", cancelled, left, survived.load(),
              handled.load(), forced.load(), (unsigned long long)destroyed.load());
}
