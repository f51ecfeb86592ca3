// Threads that recurse as deep as the host says and then block there. See pause_bench.cpp.
#include <pthread.h>

// The host's.
int bench_next_round(int *threads, long *frames);
void bench_park(void);

enum { most_threads = 64 };

__attribute__((noinline)) static long dive(long n) {
  if (n <= 1) {
    bench_park();
    return n;
  }
  return dive(n - 1) * 31 + n;
}

static void *run(void *frames) { return (void *)dive((long)frames); }

int main(void) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 64L << 20);
  pthread_t threads[most_threads];
  int count;
  long frames;
  while (bench_next_round(&count, &frames)) {
    for (int i = 0; i < count; i++)
      if (pthread_create(&threads[i], &attributes, run, (void *)frames) != 0)
        return 1;
    for (int i = 0; i < count; i++)
      pthread_join(threads[i], 0);
  }
  return 0;
}
