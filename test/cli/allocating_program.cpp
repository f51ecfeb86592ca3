// Check that what a library has from operator new while it is loaded is the program's, whose functions it calls then.
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

std::vector<std::string> take_kept();
int what_was_asked();

static long live, foreign;
static const char mark[16] = "the program's";

__attribute__((noinline)) int program_number(int n) {
  return n < 2 ? n : program_number(n - 1) + program_number(n - 2);
}

void *operator new(std::size_t size) {
  auto *block = static_cast<char *>(std::malloc(size + sizeof mark));
  __builtin_memcpy(block, mark, sizeof mark);
  ++live;
  return block + sizeof mark;
}
void operator delete(void *block) noexcept {
  char *whole = static_cast<char *>(block) - sizeof mark;
  if (!block || __builtin_memcmp(whole, mark, sizeof mark) != 0) {
    foreign += block != nullptr;
    return;
  }
  --live;
  std::free(whole);
}
void operator delete(void *block, std::size_t) noexcept { operator delete(block); }

int main() {
  const bool had_some = live > 0;
  std::size_t length = 0;
  for (const std::string &text : take_kept())
    length += text.size();
  std::printf("had %d, length %zu, asked %d, foreign %ld, left %ld\n", had_some, length, what_was_asked(), foreign,
              live);
}
