// Check that threads which may be cancelled at any instruction end well when that comes while they end: as their function returns,
// calls pthread_exit, or destructors of their data run.
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_key_t keys[2];
static volatile int is_ready;
static unsigned long destroyed;

static unsigned long work(unsigned rounds) {
  unsigned long sum = rounds;
  for (unsigned i = 0; i < rounds; ++i)
    sum = sum * 31 + (i ^ sum >> 7);
  return sum;
}

/// Counts first: it may be called again, or not to its end, if the thread is cancelled in it.
static void destroy(void *value) {
  __atomic_fetch_add(&destroyed, 1, __ATOMIC_RELAXED);
  if (work((unsigned)(long)value % 40) == 1)
    abort();
}

static void *end_soon(void *value) {
  for (int i = 0; i < 2; ++i)
    pthread_setspecific(keys[i], value);
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
  is_ready = 1;
  const unsigned long sum = work((unsigned)(long)value * 13 % 200);
  if (sum % 3 == 0)
    pthread_exit(value);
  return value;
}

int main(int argc, char **argv) {
  const long threads = 400 + 20 * (argc > 1 ? atoi(argv[1]) : 100);
  long ended = 0;
  for (int i = 0; i < 2; ++i)
    pthread_key_create(&keys[i], destroy);
  for (long i = 1; i <= threads; ++i) {
    pthread_t thread;
    void *result = NULL;
    is_ready = 0;
    if (pthread_create(&thread, NULL, end_soon, (void *)i) != 0)
      return 1;
    while (!is_ready)
      sched_yield();
    if (work((unsigned)i * 37 % 30000) == 1)
      return 2;
    pthread_cancel(thread); // at any time of its end, or later
    pthread_join(thread, &result);
    ended += result == PTHREAD_CANCELED || result == (void *)i;
  }
  printf("%ld of %ld threads ended, destructors ran: %d\n", ended, threads, destroyed >= (unsigned long)threads);
  return 0;
}
