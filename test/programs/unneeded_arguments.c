// Check that callers pass what an optimised callee does not need: the baseline version of the callee uses it.
//
// Loops over an argument whose result nobody wants are deleted by optimisers, and then the argument is unneeded. Whoever passes
// something else for it makes the other tier walk along a wild pointer, or count from a wild number.

#include <stdio.h>
#include <stdlib.h>

struct link {
  struct link *next;
  long value;
};

__attribute__((noinline)) long after_text(const char *text, long n) {
  while (*text)
    ++text;
  return n * 3;
}

__attribute__((noinline)) long after_list(const struct link *first, long n) {
  long seen = 0;
  for (; first; first = first->next)
    seen += first->value;
  return seen > 0 ? n + 5 : n + 5;
}

__attribute__((noinline)) long after_count(unsigned count, long n) {
  while (count)
    --count;
  return n ^ 21;
}

__attribute__((noinline)) long step(long n, const char *text, const struct link *list) {
  n = after_text(text, n);
  n = after_list(list, n);
  return after_count((unsigned)n & 7, n);
}

int main(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 1;
  struct link last = {0, 1}, first = {&last, 2};
  unsigned long sum = 0;
  for (int i = 0; i < 40 * scale; ++i)
    sum = sum * 31 + (unsigned long)step(i, i % 2 ? "text" : "another text", i % 3 ? &first : &last);
  printf("%lu\n", sum);
  return 0;
}
