// Check that destructors run when a thread is cancelled at any instruction of what their functions call.
// needs generated stubs
// needs libstdc++ (__forced_unwind)
//
// What is interrupted has nothing to destroy itself: natively, too, only calls have clean-ups.

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cxxabi.h>
#include <pthread.h>
#include <sched.h>
#include <vector>

namespace {

std::atomic<int> started, destroyed, caught;
std::atomic<unsigned> steps;

struct Shape {
  virtual ~Shape() = default;
  virtual unsigned area(unsigned depth) const = 0;
};

struct Square : Shape {
  unsigned area(unsigned depth) const override { return depth == 0 ? 1 : area(depth - 1) + depth; }
};

struct Ring : Shape {
  const Shape *inner;
  explicit Ring(const Shape *inner) : inner(inner) {}
  unsigned area(unsigned depth) const override { return inner->area(depth) * 3 + (depth ? area(depth / 2) : 0); }
};

[[gnu::noinline]] void measure_for_ever(const Shape *const *shapes, unsigned count) {
  int before;
  ++started;
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before);
  for (unsigned i = 0;; ++i)
    steps.fetch_add(shapes[i % count]->area(i % 9) | 1, std::memory_order_relaxed);
}

struct Owner {
  std::vector<int> values = std::vector<int>(10, 1);
  ~Owner() { destroyed += int(values.size()); }
};

[[gnu::noinline]] void own(unsigned depth, const Shape *const *shapes) {
  const Owner owner;
  if (depth == 0)
    measure_for_ever(shapes, 3);
  else
    own(depth - 1, shapes);
}

void *work(void *shapes) {
  try {
    own(6, static_cast<const Shape *const *>(shapes));
  } catch (abi::__forced_unwind &) {
    ++caught;
    throw;
  }
  return nullptr;
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 100, threads = 8 + 4 * scale;
  const Square square;
  const Ring ring(&square), rings(&ring);
  const Shape *shapes[] = {&square, &ring, &rings};
  int cancelled = 0;
  for (int number = 0; number < threads; ++number) {
    pthread_t thread;
    void *result;
    const int before = started;
    const unsigned far = steps + unsigned(number % 5) * 3000;
    pthread_create(&thread, nullptr, work, shapes);
    while (started == before)
      sched_yield();
    while (number % 5 != 0 && int(steps - far) < 0)
      sched_yield();
    pthread_cancel(thread);
    pthread_join(thread, &result);
    cancelled += result == PTHREAD_CANCELED;
  }
  std::printf("%d of %d cancelled, destroyed %d, caught %d\n", cancelled, threads, destroyed.load(), caught.load());
}
