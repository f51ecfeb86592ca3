// Three threads that seldom or never call anything, and one that waits for its input: each checks what it computes.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static atomic_int is_over;
static atomic_ulong rounds;

/// Never calls anything.
__attribute__((noinline)) unsigned long spin(unsigned long state) {
  while (!atomic_load_explicit(&is_over, memory_order_relaxed)) {
    unsigned long next = state * 6364136223846793005ul + 1442695040888963407ul;
    if ((next - 1442695040888963407ul) * 13877824140714322085ul != state)
      abort();
    state = next;
    atomic_fetch_add_explicit(&rounds, 1, memory_order_relaxed);
  }
  return state;
}

__attribute__((noinline)) unsigned long step(unsigned long depth) { return depth < 2 ? depth : step(depth - 1) + step(depth - 2); }

static void *spinner(void *argument) { return (void *)spin((unsigned long)argument); }

static void *stepper(void *argument) {
  while (!atomic_load(&is_over))
    if (step(12) != 144)
      abort();
  return argument;
}

int main(void) {
  pthread_t threads[3];
  for (unsigned long i = 0; i < 3; ++i)
    pthread_create(&threads[i], 0, i < 2 ? spinner : stepper, (void *)(i + 1));
  printf("ready\n");
  fflush(stdout);
  char line[100];
  while (fgets(line, sizeof line, stdin)) {
    unsigned long before = atomic_load(&rounds);
    while (atomic_load(&rounds) == before) {
    }
    printf("alive\n");
    fflush(stdout);
  }
  atomic_store(&is_over, 1);
  for (int i = 0; i < 3; ++i)
    pthread_join(threads[i], 0);
  return 23;
}
