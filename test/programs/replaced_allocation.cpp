// Check that the program's operator new and delete are those of libstdc++ too, and free what they have made.
// needs libstdc++
// needs a heap of the runtime's own
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr std::uint64_t sign = 0x51617a3b9d20cafe;
std::atomic<long> live{0}, made{0}, foreign{0};

struct alignas(16) Header {
  std::uint64_t mark;
  std::size_t size;
};

void *make(std::size_t size) {
  auto *header = static_cast<Header *>(std::malloc(sizeof(Header) + size));
  if (!header)
    throw std::bad_alloc();
  *header = {sign ^ reinterpret_cast<std::uintptr_t>(header), size};
  live += long(size);
  ++made;
  return header + 1;
}

void unmake(void *block) {
  if (!block)
    return;
  auto *header = static_cast<Header *>(block) - 1;
  if (header->mark != (sign ^ reinterpret_cast<std::uintptr_t>(header))) {
    ++foreign;
    return;
  }
  live -= long(header->size);
  header->mark = 0;
  std::free(header);
}

} // namespace

void *operator new(std::size_t size) { return make(size); }
void operator delete(void *block) noexcept { unmake(block); }
void operator delete(void *block, std::size_t) noexcept { unmake(block); }

namespace {

[[gnu::noinline]] std::string describe(int n) {
  std::ostringstream out;
  out << "a line that is longer than what fits into a string itself, number " << n << ' ' << n * 1.5;
  return out.str();
}

[[gnu::noinline]] std::size_t read_back(const std::string &text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;)
    words.push_back(word + word);
  std::size_t sum = 0;
  for (const std::string &word : words)
    sum = sum * 7 + word.size();
  return sum;
}

[[gnu::noinline]] int thrower(int n) {
  if (n % 3 == 0)
    throw std::runtime_error(describe(n)); // its text lives in libstdc++
  return n;
}

[[gnu::noinline]] std::size_t exercise(int rounds) {
  std::size_t sum = 0;
  std::map<std::string, std::unique_ptr<int[]>> owned;
  for (int i = 0; i < rounds; ++i) {
    std::string text = describe(i);
    text.append(text, 3, 20).insert(5, "inserted").reserve(500);
    sum += read_back(text);
    owned[text.substr(0, 60 + i % 5)] = std::make_unique<int[]>(30);
    try {
      sum += std::size_t(thrower(i));
    } catch (const std::exception &error) {
      sum += std::string(error.what()).size();
      std::exception_ptr kept = std::current_exception();
      try {
        std::rethrow_exception(kept);
      } catch (const std::runtime_error &again) {
        sum += std::size_t(again.what()[0]);
      }
    }
    std::function<int(int)> call = [text, i](int x) { return int(text.size()) + x + i; };
    sum += std::size_t(call(i));
  }
  return sum + owned.size();
}

} // namespace

int main(int argc, char **argv) {
  const int rounds = argc > 1 ? 2 + std::atoi(argv[1]) / 4 : 40;
  const long before = live;
  std::size_t sum = exercise(rounds);
  std::vector<std::size_t> of_threads(3);
  {
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
      threads.emplace_back([&of_threads, rounds, i] { of_threads[std::size_t(i)] = exercise(rounds / 2 + 1); });
    for (std::thread &thread : threads)
      thread.join();
  }
  std::printf("%zu %zu %zu %zu\n", sum, of_threads[0], of_threads[1], of_threads[2]);
  const long made_before = made;
  std::thread([] {}).join(); // the thread itself is no business of these operators
  std::printf("made for a thread: %ld\n", made - made_before);
  auto *nothing = new (std::nothrow) char[100];
  delete[] nothing;
  std::printf("foreign %ld, left %ld, used %d\n", foreign.load(), live - before, made > 10 * rounds);
  return argv[0] == nullptr;
}
