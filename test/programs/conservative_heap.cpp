// Check that a conservative collector, which marks what the words of the stack may point to and sweeps the rest, keeps what
// only locals hold: in callers that wait for calls of all kinds, in callbacks, handlers of exceptions and threads.
// cflags: -pthread
// libs: -pthread
#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <pthread.h>
#include <stdexcept>
#include <vector>

namespace {

/// Either two links and a number, or free.
struct Cell {
  Cell *left, *right;
  long number;
  bool is_marked, is_used;
};

/// One for each thread: cells that nobody points to any more are overwritten, and used again.
class Heap {
public:
  Heap() : cells_(new Cell[count]) {
    std::memset(cells_.get(), 0, count * sizeof(Cell));
    pthread_attr_t attributes;
    pthread_getattr_np(pthread_self(), &attributes);
    void *low;
    std::size_t size;
    pthread_attr_getstack(&attributes, &low, &size);
    pthread_attr_destroy(&attributes);
    base_ = static_cast<char *>(low) + size;
  }

  Cell *make(Cell *left, Cell *right, long number) {
    if (++made_ % every == 0 || next_ == count)
      collect();
    while (next_ < count && cells_[next_].is_used)
      ++next_;
    if (next_ == count) {
      collect();
      while (next_ < count && cells_[next_].is_used)
        ++next_;
      if (next_ == count) {
        std::puts("the heap is full");
        std::exit(1);
      }
    }
    cells_[next_] = {left, right, number, false, true};
    return &cells_[next_++];
  }

  /// Two ways to find what callers hold in registers.
  void collect() { ++collections_ % 2 == 0 ? collect_with_jump_buffer() : collect_by_hand(); }

  long freed() const { return freed_; }

private:
  static constexpr std::size_t count = 4000, every = 97;

  [[gnu::noinline]] void collect_by_hand() {
    std::uintptr_t registers[6];
    asm volatile("movq %%rbx, 0(%0)\n\tmovq %%rbp, 8(%0)\n\tmovq %%r12, 16(%0)\n\t"
                 "movq %%r13, 24(%0)\n\tmovq %%r14, 32(%0)\n\tmovq %%r15, 40(%0)"
                 :
                 : "r"(registers)
                 : "memory");
    scan(reinterpret_cast<char *>(registers), base_);
    sweep();
  }

  [[gnu::noinline]] void collect_with_jump_buffer() {
    std::jmp_buf registers; // those of callers, below the frame's address as those that this function saves
    setjmp(registers);
    __builtin_unwind_init();
    if (static_cast<void *>(&registers) >= __builtin_frame_address(0))
      std::puts("locals are not below the frame's address");
    scan(reinterpret_cast<char *>(&registers), base_);
    sweep();
  }

  [[gnu::noinline]] void scan(const char *low, const char *high) {
    low -= reinterpret_cast<std::uintptr_t>(low) % sizeof(void *);
    for (; low + sizeof(void *) <= high; low += sizeof(void *))
      mark(*reinterpret_cast<const volatile std::uintptr_t *>(low));
    while (!grey_.empty()) {
      Cell *cell = grey_.back();
      grey_.pop_back();
      mark(reinterpret_cast<std::uintptr_t>(cell->left));
      mark(reinterpret_cast<std::uintptr_t>(cell->right));
    }
  }

  /// Pointers into a cell count too.
  void mark(std::uintptr_t word) {
    const auto begin = reinterpret_cast<std::uintptr_t>(cells_.get());
    if (word < begin || word >= begin + count * sizeof(Cell))
      return;
    Cell &cell = cells_[(word - begin) / sizeof(Cell)];
    if (!cell.is_used || cell.is_marked)
      return;
    cell.is_marked = true;
    grey_.push_back(&cell);
  }

  void sweep() {
    for (std::size_t i = 0; i < count; ++i) {
      Cell &cell = cells_[i];
      if (cell.is_used && !cell.is_marked) {
        cell = {nullptr, nullptr, -1000000, false, false};
        ++freed_;
      }
      cell.is_marked = false;
    }
    next_ = 0;
  }

  std::unique_ptr<Cell[]> cells_;
  std::vector<Cell *> grey_; // its own cells are no roots: they are not on the stack
  char *base_;
  std::size_t next_ = 0;
  long made_ = 0, freed_ = 0, collections_ = 0;
};

thread_local Heap *heap;

[[gnu::noinline]] Cell *tree(int depth, long number) {
  if (depth == 0)
    return heap->make(nullptr, nullptr, number);
  Cell *left = tree(depth - 1, number * 2);
  Cell *right = tree(depth - 1, number * 2 + 1);
  return heap->make(left, right, number);
}

[[gnu::noinline]] long sum(const Cell *cell) {
  return cell ? cell->number + sum(cell->left) * 3 + sum(cell->right) : 0;
}

[[gnu::noinline]] void garbage(int rounds) {
  for (int i = 0; i < rounds; ++i)
    tree(2, i);
}

/// Locals whose address is taken: nothing but the object holds the pointers.
struct Roots {
  std::array<Cell *, 3> cells;
};

[[gnu::noinline]] void fill(Roots &roots, long number) {
  for (Cell *&cell : roots.cells)
    cell = tree(3, number++);
}

[[gnu::noinline]] long total(const Roots &roots) {
  long result = 0;
  for (const Cell *cell : roots.cells)
    result = result * 7 + sum(cell);
  return result;
}

[[gnu::noinline]] long recursion(int depth) {
  Roots roots;
  fill(roots, depth);
  Cell *plain = tree(1, depth); // this one in a register or slot
  long below = depth == 0 ? 0 : recursion(depth - 1);
  garbage(3);
  return below + total(roots) + sum(plain);
}

[[gnu::noinline]] long by_value(long a, long b, long c, long d, long e, long f, Roots roots, long g) {
  garbage(20);
  return total(roots) + a + b + c + d + e + f + g;
}

[[gnu::noinline]] long arguments(int depth) {
  Roots roots;
  fill(roots, depth + 100);
  return by_value(1, 2, 3, 4, 5, 6, roots, 7);
}

int compare(const void *left, const void *right) {
  Roots mine;
  fill(mine, 5);
  const Cell *l = *static_cast<Cell *const *>(left), *r = *static_cast<Cell *const *>(right);
  const int order = (l->number > r->number) - (l->number < r->number);
  return total(mine) == 0 ? 0 : order;
}

/// The elements are known to this local and, for a moment, to the library.
[[gnu::noinline]] long callbacks(int depth) {
  Cell *cells[12];
  for (int i = 0; i < 12; ++i)
    cells[i] = tree(1, (i * 37 + depth) % 101);
  std::sort(cells, cells + 12, [](const Cell *l, const Cell *r) {
    garbage(1);
    return l->number > r->number;
  });
  std::qsort(cells, 12, sizeof *cells, compare);
  long result = 0;
  for (const Cell *cell : cells)
    result = result * 5 + sum(cell);
  return result;
}

[[gnu::noinline]] long closures(int depth) {
  Roots roots;
  fill(roots, depth + 300);
  Cell *captured = tree(2, depth);
  const std::function<long(int)> step = [&roots, captured, &step](int n) -> long {
    garbage(2);
    return n == 0 ? total(roots) + sum(captured) : step(n - 1) + sum(roots.cells[std::size_t(n) % 3]);
  };
  return step(6);
}

struct Guard {
  Roots roots;
  long &result;
  Guard(long number, long &where) : result(where) { fill(roots, number); }
  ~Guard() {
    garbage(2);
    result += total(roots);
  }
};

[[gnu::noinline]] void throw_below(int depth, long &result) {
  Guard guard(depth, result);
  if (depth == 0)
    throw std::runtime_error("deepest");
  throw_below(depth - 1, result);
}

[[gnu::noinline]] long exceptions(int depth) {
  Roots roots;
  fill(roots, depth + 500);
  long result = 0;
  try {
    throw_below(4, result);
  } catch (const std::runtime_error &error) {
    garbage(4);
    result += long(std::strlen(error.what()));
  }
  return result + total(roots);
}

std::jmp_buf back;
pthread_mutex_t jump_lock = PTHREAD_MUTEX_INITIALIZER;

[[gnu::noinline]] void jump_from(int depth) {
  Roots roots;
  fill(roots, depth);
  if (depth == 0)
    std::longjmp(back, 1);
  jump_from(depth - 1);
  total(roots);
}

[[gnu::noinline]] long jumps(int depth) {
  Roots roots;
  fill(roots, depth + 700);
  pthread_mutex_lock(&jump_lock);
  if (setjmp(back) == 0)
    jump_from(5);
  pthread_mutex_unlock(&jump_lock);
  garbage(10);
  return total(roots);
}

long work(int rounds) {
  Heap own;
  heap = &own;
  unsigned long result = 0;
  for (int round = 0; round < rounds; ++round)
    for (long (*kind)(int) : {recursion, arguments, callbacks, closures, exceptions, jumps})
      result = result * 31 + (unsigned long)kind(round % 9);
  const bool collects = own.freed() > 100 * rounds;
  heap = nullptr;
  return long(result * 2 + collects);
}

void *on_thread(void *rounds) { return reinterpret_cast<void *>(work(*static_cast<int *>(rounds))); }

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::max(1, std::atoi(argv[1])) : 100;
  int rounds[3] = {1 + scale / 10, 2 + scale / 10, 3 + scale / 10};
  pthread_t threads[2];
  for (int i = 0; i < 2; ++i)
    pthread_create(&threads[i], nullptr, on_thread, &rounds[i]);
  std::printf("main: %lx\n", work(rounds[2]));
  for (pthread_t thread : threads) {
    void *result;
    pthread_join(thread, &result);
    std::printf("thread: %lx\n", reinterpret_cast<long>(result));
  }
  return 0;
}
