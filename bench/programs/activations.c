// Threads that are in an activation of hold() nearly all the time; the host says for how long each.
#include <pthread.h>

enum { threads = 4 };

int bench_hold(void); // 0: the program ends

__attribute__((noinline)) long hold(long rounds) { return bench_hold() ? rounds + 1 : -1; }

static void *run(void *unused) {
  long rounds = 0;
  while (rounds >= 0)
    rounds = hold(rounds);
  return unused;
}

int main(void) {
  pthread_t ids[threads];
  for (int i = 0; i < threads; ++i)
    pthread_create(&ids[i], 0, run, 0);
  for (int i = 0; i < threads; ++i)
    pthread_join(ids[i], 0);
  return 0;
}
