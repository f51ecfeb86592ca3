// Check that there can be as many threads at once as natively.
#include <pthread.h>
#include <stdio.h>

enum { COUNT = 2500 };
static pthread_barrier_t all_are_here;

__attribute__((noinline)) static long count_down(long n) { return n == 0 ? 1 : count_down(n - 1) + n; }

static void *run(void *argument) {
  pthread_barrier_wait(&all_are_here);
  return (void *)count_down((long)argument % 50);
}

int main(void) {
  static pthread_t threads[COUNT];
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 32 << 10);
  pthread_barrier_init(&all_are_here, 0, COUNT);
  for (long i = 0; i < COUNT; ++i)
    if (pthread_create(&threads[i], &attributes, run, (void *)i) != 0)
      return 1;
  long sum = 0;
  for (int i = 0; i < COUNT; ++i) {
    void *result = 0;
    pthread_join(threads[i], &result);
    sum += (long)result;
  }
  printf("%ld\n", sum);
  return 0;
}
