// Check that a program may replace some of the operators new and delete, and that those it leaves out call the others as
// those of the C++ library do; blocks carry who made them.
// needs libstdc++
// needs a heap of the runtime's own
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <locale>
#include <new>
#include <sstream>
#include <string>
#include <vector>

namespace {

enum Maker : std::uint64_t { Array = 0xa77a, Aligned = 0xa119, OrNull = 0x0042 };
struct alignas(64) Mark {
  std::uint64_t maker;
  void *whole;
};

long made[3], freed[3], wrong, refused;
long &of(long (&counts)[3], std::uint64_t maker) { return counts[maker == Array ? 0 : maker == Aligned ? 1 : 2]; }

void *make(std::size_t size, Maker maker) {
  const std::size_t bytes = (sizeof(Mark) * 2 + size + 63) / 64 * 64;
  void *whole = std::aligned_alloc(64, bytes);
  if (!whole)
    return nullptr;
  auto *mark = static_cast<Mark *>(whole) + 1;
  *mark = {maker, whole};
  ++of(made, maker);
  return mark + 1;
}

void unmake(void *block, std::initializer_list<Maker> makers) {
  if (!block)
    return;
  Mark *mark = static_cast<Mark *>(block) - 1;
  if (std::find(makers.begin(), makers.end(), mark->maker) == makers.end()) {
    ++wrong;
    return;
  }
  ++of(freed, mark->maker);
  std::free(mark->whole);
}

} // namespace

void *operator new[](std::size_t size) {
  if (size > (std::size_t(1) << 40)) {
    ++refused;
    throw std::bad_alloc();
  }
  return make(size, Array);
}
void operator delete[](void *block) noexcept { unmake(block, {Array}); }
void *operator new(std::size_t size, std::align_val_t) { return make(size, Aligned); }
void operator delete(void *block, std::align_val_t) noexcept { unmake(block, {Aligned}); }
void *operator new(std::size_t size, const std::nothrow_t &) noexcept { return make(size, OrNull); }
void operator delete(void *block, const std::nothrow_t &) noexcept { unmake(block, {OrNull}); }

namespace {

void *volatile seen;

/// So that no optimiser leaves out new and delete.
template <typename T> T *keep(T *block) {
  seen = block;
  return block;
}

struct alignas(64) Wide {
  unsigned char bytes[100];
};

[[gnu::noinline]] unsigned over_aligned(int n) {
  std::vector<Wide> wide(std::size_t(n % 7 + 1));
  keep(wide.data());
  Wide *several =
      keep(new Wide[3]); // by the aligned operator new[], which is the library's and calls the program's operator new
  unsigned sum = 0;
  for (Wide &each : wide)
    sum += unsigned(reinterpret_cast<std::uintptr_t>(&each) % 64);
  sum += unsigned(reinterpret_cast<std::uintptr_t>(several) % 64);
  delete[] several;
  return sum;
}

[[gnu::noinline]] unsigned arrays(int n) {
  auto *numbers = keep(new unsigned[std::size_t(n + 10)]);
  for (int i = 0; i < n + 10; ++i)
    numbers[i] = unsigned(i * n);
  const unsigned sum = numbers[n / 2];
  delete[] numbers;
  // The library's, which tries the program's and takes its exception for null.
  char *huge = keep(new (std::nothrow) char[std::size_t(1) << 41]);
  return sum + (huge == nullptr);
}

[[gnu::noinline]] unsigned libraries_own(int n) {
  std::stringstream text;
  text.imbue(std::locale::classic());
  text << std::filesystem::path("/a/path/of/some/length/to/be/kept").parent_path().string() << n;
  std::string word;
  text >> word;
  return unsigned(word.size());
}

[[gnu::noinline]] unsigned by_hand(int n) {
  void *block = ::operator new(std::size_t(n + 1), std::nothrow);
  void *plain = ::operator new(std::size_t(n + 1)); // the library's, and so is this delete
  const bool differ = block != plain;
  ::operator delete(plain);
  ::operator delete(block, std::nothrow);
  return differ;
}

} // namespace

int main(int argc, char **argv) {
  const int rounds = argc > 1 ? 2 + std::atoi(argv[1]) / 4 : 40;
  unsigned sum = 0;
  for (int i = 0; i < rounds; ++i)
    sum += over_aligned(i) + arrays(i) + libraries_own(i) + by_hand(i);
  std::printf("%u, refused %ld, wrong %ld\n", sum, refused, wrong);
  for (int i = 0; i < 3; ++i)
    std::printf("made %ld, freed %ld\n", made[i], freed[i]);
  return 0;
}
