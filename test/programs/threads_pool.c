// Check that a thread pool with futures, whose tasks wait for tasks, survives replaced frames.
//
// A thread that waits for a future runs other tasks meanwhile: recursion through the pool mixes tasks on one stack.

#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { workers = 3 };

typedef struct Future {
  int64_t (*function)(const int64_t *, int);
  const int64_t *values;
  int count;
  int64_t result;
  int done;
  struct Future *next;
} Future;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static Future *queue;
static int stopping;

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static void submit(Future *future) {
  pthread_mutex_lock(&lock);
  future->next = queue;
  queue = future;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

// With the lock held, which is given up while the task runs.
static int run_one(void) {
  Future *future = queue;
  if (!future)
    return 0;
  queue = future->next;
  pthread_mutex_unlock(&lock);
  int64_t result = future->function(future->values, future->count);
  pthread_mutex_lock(&lock);
  future->result = result;
  future->done = 1;
  pthread_cond_broadcast(&changed);
  return 1;
}

static int64_t wait_for(Future *future) {
  pthread_mutex_lock(&lock);
  while (!future->done)
    if (!run_one())
      pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
  return future->result;
}

static int64_t sum_of_squares(const int64_t *values, int count) {
  if (count <= 8) {
    int64_t sum = 0;
    for (int i = 0; i < count; i++)
      sum += values[i] * values[i];
    return sum;
  }
  Future left = {sum_of_squares, values, count / 2, 0, 0, NULL};
  submit(&left);
  int64_t right = sum_of_squares(values + count / 2, count - count / 2);
  return wait_for(&left) + right;
}

static int compare(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static int64_t median(const int64_t *values, int count) {
  int64_t sorted[count];
  memcpy(sorted, values, sizeof sorted);
  qsort(sorted, (size_t)count, sizeof *sorted, compare);
  return sorted[count / 2];
}

static void *work(void *argument) {
  pthread_mutex_lock(&lock);
  while (!stopping)
    if (!run_one())
      pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
  return argument;
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv), count = 64, rounds = 8 * scale * (1 + scale / 4);
  int64_t values[64], fingerprint = 0;
  pthread_t threads[workers];
  for (int i = 0; i < workers; i++)
    pthread_create(&threads[i], NULL, work, NULL);
  for (int round = 0; round < rounds; round++) {
    for (int i = 0; i < count; i++)
      values[i] = (i * 37 + round) % 101 - 50;
    Future squares = {sum_of_squares, values, count, 0, 0, NULL}, middle = {median, values, count, 0, 0, NULL};
    submit(&squares);
    submit(&middle);
    fingerprint = fingerprint * 31 + wait_for(&squares) * 3 + wait_for(&middle);
    fingerprint %= 1000000007;
  }
  pthread_mutex_lock(&lock);
  stopping = 1;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
  for (int i = 0; i < workers; i++)
    pthread_join(threads[i], NULL);
  printf("%d rounds, fingerprint %lld\n", rounds, (long long)fingerprint);
  return 0;
}
