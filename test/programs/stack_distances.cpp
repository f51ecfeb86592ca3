// Check that addresses of locals tell how deep the stack is: guards against deep recursion, the limits that the C library
// names, locals of functions that are never replaced between others, and nothing that piles up in loops.
// cflags: -pthread
// libs: -pthread
#include <algorithm>
#include <alloca.h>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr std::intptr_t margin = 64 << 10;
constexpr std::intptr_t left_over = 700 << 10; ///< of a stack of 1 MiB

struct Limits {
  Limits() {
    pthread_attr_t attributes;
    pthread_getattr_np(pthread_self(), &attributes);
    void *address;
    std::size_t size;
    pthread_attr_getstack(&attributes, &address, &size);
    pthread_attr_destroy(&attributes);
    low = static_cast<char *>(address);
    high = low + size;
  }
  bool contains(const void *object) const { return object >= low && object < high; }
  char *low, *high;
};

[[gnu::noinline]] void touch(void *object) { asm volatile("" : : "r"(object) : "memory"); }

/// As servers and script engines have it.
struct DepthGuard {
  const char *base;
  std::intptr_t most;
  [[gnu::noinline]] bool is_too_deep() const {
    char here = 0;
    touch(&here);
    return base - &here > most;
  }
};

[[gnu::noinline]] long evaluate(const DepthGuard &guard, long n) {
  std::string name = "node " + std::to_string(n);
  if (guard.is_too_deep())
    throw std::length_error("too deep");
  long below = n == 0 ? 0 : evaluate(guard, n - 1);
  return below + long(name.size());
}

[[gnu::noinline]] long low_on_stack(const Limits &limits, long n) {
  char room[200];
  touch(room);
  if (room < limits.low + left_over)
    return n;
  long deepest = low_on_stack(limits, n + 1);
  touch(room);
  return deepest;
}

[[gnu::noinline]] bool pinned(int depth, const char *outer, ...);

[[gnu::noinline]] bool replaceable(int depth, const char *outer) {
  char here[24];
  touch(here);
  bool below = here < outer && outer - here < margin;
  char *frame = static_cast<char *>(__builtin_frame_address(0));
  return below && frame > here - margin && (depth == 0 || pinned(depth - 1, here, 1, 2.5)) && (touch(here), true);
}

[[gnu::noinline]] bool without_frame_address(int depth, const char *outer) {
  char here[24];
  touch(here);
  bool below = here < outer && outer - here < margin;
  return below && (depth == 0 || pinned(depth - 1, here, 3, 4.5)) && (touch(here), true);
}

bool pinned(int depth, const char *outer, ...) {
  std::va_list rest;
  va_start(rest, outer);
  int first = va_arg(rest, int);
  va_end(rest);
  char here[24];
  touch(here);
  bool below = here < outer && outer - here < margin;
  return below && (depth == 0 || (first & 1 ? without_frame_address(depth - 1, here) : replaceable(depth - 1, here))) &&
         (touch(here), true);
}

[[gnu::noinline]] bool lies_below(const char *outer) {
  char here[24];
  touch(here);
  bool below = here < outer && outer - here < margin;
  return (touch(here), below);
}

/// Objects that were made when the function had begun, and whose size nobody knows before.
[[gnu::noinline]] bool with_objects_of_any_size(int size) {
  char fixed[16];
  touch(fixed);
  auto *first = static_cast<char *>(alloca(std::size_t(size)));
  touch(first);
  bool below = first < fixed + sizeof fixed && lies_below(first) && lies_below(fixed);
  for (int i = 1; i < 4; ++i) {
    auto *next = static_cast<char *>(alloca(std::size_t(size * i)));
    touch(next);
    below = below && next < first && lies_below(next);
  }
  return (touch(fixed), touch(first), below);
}

[[gnu::noinline]] std::intptr_t place() {
  char here = 0;
  char *where = &here;
  touch(where);
  return reinterpret_cast<std::intptr_t>(where);
}

inline std::intptr_t inlined_with_object(int value) {
  long object[5] = {value};
  touch(object);
  std::intptr_t where = place();
  touch(object);
  return where;
}

/// How far the places lie apart at which rounds find the stack.
struct Range {
  std::intptr_t low = INTPTR_MAX, high = INTPTR_MIN;
  void add(std::intptr_t where) {
    low = std::min(low, where);
    high = std::max(high, where);
  }
  const char *verdict() const { return high - low < margin ? "stays" : "piles up"; }
};

[[gnu::noinline]] void throw_over(int depth) {
  long object[4] = {depth};
  touch(object);
  if (depth == 0)
    throw depth;
  throw_over(depth - 1);
  touch(object);
}

[[gnu::noinline]] const char *in_rounds(int rounds) {
  Range range;
  for (int round = 0; round < rounds; ++round) {
    range.add(inlined_with_object(round));
    range.add(place());
    try {
      throw_over(5);
    } catch (int depth) {
      range.add(inlined_with_object(depth));
    }
  }
  return range.verdict();
}

[[gnu::noinline]] std::intptr_t ping(int n, Range *range);
[[gnu::noinline]] std::intptr_t pong(int n, Range *range) {
  range->add(inlined_with_object(n));
  [[clang::musttail]] return ping(n, range);
}
std::intptr_t ping(int n, Range *range) {
  range->add(place());
  if (n == 0)
    return 0;
  [[clang::musttail]] return pong(n - 1, range);
}

void *on_thread(void *argument) {
  Limits limits;
  char here = 0;
  touch(&here);
  DepthGuard guard{&here, 128 << 10};
  std::string what = "ran";
  try {
    evaluate(guard, 1 << 20);
  } catch (const std::length_error &error) {
    what = error.what();
  }
  std::printf("thread: local is on its stack: %d, %s, low after many: %d\n", limits.contains(&here), what.c_str(),
              low_on_stack(limits, 0) > 100);
  return argument;
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::max(1, std::atoi(argv[1])) : 100;
  Limits limits;
  char here = 0;
  touch(&here);
  std::printf("main: local is on the stack: %d\n", limits.contains(&here));
  for (std::intptr_t most : {100 << 10, 400 << 10}) {
    DepthGuard guard{&here, most};
    try {
      std::printf("ran %ld\n", evaluate(guard, 1 << 20));
    } catch (const std::length_error &error) {
      std::printf("%s\n", error.what());
    }
    std::printf("shallow: %ld\n", evaluate(guard, 20));
  }
  std::printf("distances grow: %d\n", replaceable(40, &here + 1) && pinned(40, &here + 1, 1));
  std::printf("also below objects of any size: %d\n",
              with_objects_of_any_size(3 + argc) && with_objects_of_any_size(1000));
  std::printf("in rounds the stack %s\n", in_rounds(200 * scale));
  Range range;
  ping(400 * scale, &range);
  std::printf("in a chain of tail calls it %s\n", range.verdict());
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 1 << 20);
  pthread_t thread;
  pthread_create(&thread, &attributes, on_thread, nullptr);
  pthread_join(thread, nullptr);
  return 0;
}
