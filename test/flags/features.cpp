// Check that a program of many features does the same whatever flags it was compiled with.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <csetjmp>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <typeinfo>
#include <vector>

namespace {

struct Shape {
  virtual ~Shape() = default;
  virtual double area() const = 0;
  virtual int sides() const { return 0; }
};
struct Square : Shape {
  explicit Square(double s) : side(s) {}
  double area() const override { return side * side; }
  int sides() const override { return 4; }
  double side;
};
struct Circle : virtual Shape {
  explicit Circle(double r) : radius(r) {}
  double area() const override { return 3 * radius * radius; }
  double radius;
};

struct Guard {
  explicit Guard(int &c) : count(c) { ++count; }
  ~Guard() { --count; }
  int &count;
};

thread_local int mine = 3;
int live = 0;
std::atomic<int> shared{0};
volatile std::sig_atomic_t signals = 0;
std::jmp_buf back;

struct AtStart {
  AtStart() { std::puts("constructed"); }
  ~AtStart() { std::printf("destroyed, %d live\n", live); }
} at_start;

__attribute__((noinline)) unsigned recurse(unsigned n) { return n < 2 ? n : recurse(n - 1) * 3 + recurse(n - 2) % 7; }

__attribute__((noinline)) int thrower(int depth, int at) {
  Guard guard(live);
  char local[32];
  std::snprintf(local, sizeof local, "depth %d", depth);
  if (depth == at)
    throw std::runtime_error(local);
  return depth == 0 ? int(std::strlen(local)) : thrower(depth - 1, at) + depth;
}

int sum(int count, ...) {
  va_list list;
  va_start(list, count);
  int total = 0;
  for (int i = 0; i < count; ++i)
    total += va_arg(list, int);
  va_end(list);
  return total;
}

struct Large {
  long words[9];
};
__attribute__((noinline)) Large make_large(long seed) {
  Large large;
  for (long &word : large.words)
    word = seed = seed * 31 + 7;
  return large;
}
__attribute__((noinline)) long take_large(Large large) { return large.words[0] ^ large.words[8]; }

__attribute__((noinline)) long many(long a, long b, long c, long d, long e, long f, long g, long h, double i,
                                    double j) {
  return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + long(i * j) + long(recurse(6));
}

int table(int which) {
  switch (which) {
  case 0: return 11;
  case 1: return int(recurse(5));
  case 2: return -4;
  case 3: return 1 << 10;
  case 4: return int(std::sqrt(which * 100.0));
  case 5: return 5;
  case 7: return 77;
  }
  return -1;
}

void leave(int code) {
  if (recurse(4) > 0)
    std::longjmp(back, code);
}

void on_signal(int) { signals = signals + 1; }

double numbers(int n) {
  std::vector<double> values;
  for (int i = 0; i < n; ++i)
    values.push_back(1.0 / (i + 1));
  double total = 0;
  for (double value : values)
    total += value * value;
  return total;
}

int objects() {
  std::vector<std::unique_ptr<Shape>> shapes;
  for (int i = 1; i < 8; ++i)
    shapes.push_back(i % 2 ? std::unique_ptr<Shape>(new Square(i)) : std::unique_ptr<Shape>(new Circle(i)));
  int result = 0;
  for (const auto &shape : shapes)
    result =
        result * 3 % 10007 + int(shape->area()) + shape->sides() + (dynamic_cast<Circle *>(shape.get()) != nullptr);
  return result + (typeid(*shapes[0]) == typeid(Square));
}

int in_threads() {
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([i] {
      mine += i;
      for (int j = 0; j < 20; ++j)
        shared += int(recurse(unsigned(j % 9))) % 5 + mine;
    });
  for (std::thread &each : threads)
    each.join();
  return shared;
}

} // namespace

int main() {
  std::map<std::string, int> words;
  for (const char *word : {"only", "frames", "return", "only", "frames", "only"})
    ++words[word];
  for (const auto &[word, count] : words)
    std::printf("%s %d\n", word.c_str(), count);
  for (int at : {9, 0, 3, 5})
    try {
      std::printf("value %d\n", thrower(5, at));
    } catch (const std::exception &error) {
      std::printf("caught %s, %d live\n", error.what(), live);
    }
  std::printf("%u %d %d\n", recurse(18), sum(5, 1, 2, 3, 4, 5), objects());
  std::printf("%ld %ld\n", take_large(make_large(5)), many(1, 2, 3, 4, 5, 6, 7, 8, 1.5, 2.5));
  for (int i = 0; i < 9; ++i)
    std::printf("%d ", table(i));
  volatile int from = setjmp(back);
  if (from < 3)
    leave(from + 1);
  std::signal(SIGUSR1, on_signal);
  std::raise(SIGUSR1);
  std::function<int(int)> twice = [&](int n) { return n == 0 ? int(signals) : twice(n - 1) * 2 + from; };
  std::printf("\n%d %d %.9f %d\n", int(from), twice(7), numbers(50), in_threads());
  std::vector<int> sorted{5, 3, 9, 1, 7, 2};
  std::sort(sorted.begin(), sorted.end(), [](int a, int b) {
    return recurse(unsigned(a)) > recurse(unsigned(b)) || (recurse(unsigned(a)) == recurse(unsigned(b)) && a > b);
  });
  for (int value : sorted)
    std::printf("%d ", value);
  std::puts("");
  return 3;
}
