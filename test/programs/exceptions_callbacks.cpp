// Check that exceptions fly through library code that called back: qsort, bsearch, std::sort, std::function.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <numeric>
#include <vector>

namespace {

std::uint64_t trail = 1;
int budget; // comparisons until one throws

void note(std::uint64_t number) { trail = trail * 1000003 + number; }

struct Noted {
  explicit Noted(int number) : number(number) {}
  ~Noted() { note(number); }
  int number;
};

struct Exhausted {
  long left, right;
};

[[gnu::noinline]] bool less(long left, long right) {
  if (--budget == 0)
    throw Exhausted{left, right};
  return left < right;
}

int compare(const void *left, const void *right) {
  Noted noted(3);
  const long a = *static_cast<const long *>(left), b = *static_cast<const long *>(right);
  return less(a, b) ? -1 : less(b, a);
}

// Sorts by C's qsort inside a comparison of std::sort: frames of libc and of templates on one stack.
int compare_by_sorting(const void *left, const void *right) {
  Noted noted(5);
  std::vector<long> pair{*static_cast<const long *>(left), *static_cast<const long *>(right), 50};
  std::sort(pair.begin(), pair.end(), less);
  return pair[0] == *static_cast<const long *>(left) ? -1 : 1;
}

std::vector<long> shuffled(int size, long seed) {
  std::vector<long> values;
  for (int i = 0; i < size; ++i)
    values.push_back((seed * 31 + i * 17) % 101);
  return values;
}

using Job = std::function<long(std::vector<long> &)>;

std::vector<Job> jobs() {
  return {
      [](std::vector<long> &values) {
        std::qsort(values.data(), values.size(), sizeof(long), compare);
        return values[0];
      },
      [](std::vector<long> &values) {
        std::qsort(values.data(), values.size(), sizeof(long), compare_by_sorting);
        return values[1];
      },
      [](std::vector<long> &values) {
        const long key = values[3];
        const void *found = std::bsearch(&key, values.data(), values.size(), sizeof(long), compare);
        return found ? 1L : 0L;
      },
      [](std::vector<long> &values) {
        std::sort(values.begin(), values.end(), less);
        return values.back();
      },
      [](std::vector<long> &values) {
        std::stable_sort(values.begin(), values.end(), [](long a, long b) { return less(b, a); });
        return values.back();
      },
      [](std::vector<long> &values) {
        std::make_heap(values.begin(), values.end(), less);
        return std::accumulate(values.begin(), values.end(), 0L, [](long a, long b) { return a + less(a, b) * b; });
      },
      [](std::vector<long> &values) {
        std::map<long, long, bool (*)(long, long)> table(less);
        for (long value : values)
          table[value] += value;
        return long(table.size());
      },
  };
}

[[gnu::noinline]] long attempt(const Job &job, int size, long seed) {
  std::vector<long> values = shuffled(size, seed);
  double weight = double(seed) * 0.75;
  long sum = seed;
  try {
    Noted noted(7);
    sum += job(values);
  } catch (const Exhausted &exhausted) {
    sum += exhausted.left * 3 + exhausted.right;
    weight += 2;
  }
  // The order a library leaves behind is its own business; its sum is not, unless an element was on its way.
  return sum * 2 + long(weight);
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
  std::uint64_t sum = 0;
  const std::vector<Job> all = jobs();
  for (long n = 0; n < 12 * scale; ++n)
    for (const Job &job : all)
      for (int limit = 1; limit < 40; limit += 3) {
        budget = limit;
        sum = sum * 31 + std::uint64_t(attempt(job, 9, n));
      }
  std::printf("%016llx %016llx\n", (unsigned long long)sum, (unsigned long long)trail);
}
