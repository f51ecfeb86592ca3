// Check that many threads which live for a moment start and end in the midst of requests; half of them are detached.

#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdatomic.h>

enum { at_once = 8, small_stack = 256 * 1024 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int detached_running;
static atomic_uint_fast64_t sum;

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static uint64_t hanoi(int disks) { return disks == 0 ? 0 : hanoi(disks - 1) + 1 + hanoi(disks - 1); }

static void *work(void *argument) {
  uint64_t result = hanoi((int)((uintptr_t)argument % 5));
  atomic_fetch_add(&sum, result);
  return (void *)(uintptr_t)result;
}

static void *work_detached(void *argument) {
  work(argument);
  pthread_mutex_lock(&lock);
  detached_running--;
  pthread_cond_signal(&changed);
  pthread_mutex_unlock(&lock);
  return NULL;
}

static void start_detached(const pthread_attr_t *attributes, int number) {
  pthread_t thread;
  pthread_mutex_lock(&lock);
  while (detached_running == at_once)
    pthread_cond_wait(&changed, &lock);
  detached_running++;
  pthread_mutex_unlock(&lock);
  while (pthread_create(&thread, attributes, work_detached, (void *)(uintptr_t)number) != 0)
    ; // the system may be short of room until others have ended
}

// A thread that starts the next one and waits for it: the depth of a chain of threads.
static void *chain(void *argument) {
  uintptr_t length = (uintptr_t)argument;
  if (length == 0)
    return (void *)1;
  pthread_t next;
  void *result;
  pthread_create(&next, NULL, chain, (void *)(length - 1));
  pthread_join(next, &result);
  return (void *)((uintptr_t)result * 3 + hanoi(3));
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv), count = 10 * scale * (1 + scale / 16);
  uint64_t joined = 0;
  pthread_attr_t detached;
  pthread_attr_init(&detached);
  pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&detached, small_stack);
  for (int i = 0; i < count; i++) {
    pthread_t thread;
    void *result;
    start_detached(&detached, i);
    pthread_create(&thread, NULL, work, (void *)(uintptr_t)i);
    pthread_join(thread, &result);
    joined += (uintptr_t)result;
  }
  pthread_mutex_lock(&lock);
  while (detached_running > 0)
    pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
  printf("joined %llu, all %llu, chain %llu\n", (unsigned long long)joined, (unsigned long long)sum,
         (unsigned long long)(uintptr_t)chain((void *)10));
  return 0;
}
