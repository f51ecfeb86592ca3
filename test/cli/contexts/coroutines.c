// Coroutines of a library.
#include <stdio.h>

void start_coroutine(void (*work)(void *), void *argument);
int resume_coroutine(void);
void leave_coroutine(void);

static unsigned long descend(int depth, unsigned long value) {
  if (depth == 0) {
    leave_coroutine();
    return value;
  }
  return descend(depth - 1, value * 31 + (unsigned long)depth) ^ (unsigned long)depth ^ (value >> 7);
}

static void work(void *argument) {
  unsigned long *value = argument;
  for (int i = 0; i < 300; ++i)
    *value = descend(i % 9, *value + (unsigned long)i);
}

int main(void) {
  unsigned long value = 1, resumed = 0;
  for (int i = 0; i < 30; ++i) {
    start_coroutine(work, &value);
    while (resume_coroutine())
      ++resumed;
  }
  printf("%lu %lu\n", value, resumed);
  return 0;
}
