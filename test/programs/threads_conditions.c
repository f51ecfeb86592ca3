// Check that producers and consumers joined by bounded queues with condition variables survive replaced frames.
//
// Most of the time every thread but one waits in pthread_cond_wait, below several frames of the program.

#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { capacity = 4, stages = 4 };

typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t not_empty, not_full;
  uint64_t items[capacity];
  int count, first;
} Queue;

static Queue queues[stages + 1];

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static void wait_while(Queue *queue, pthread_cond_t *condition, int full) {
  while (queue->count == full)
    pthread_cond_wait(condition, &queue->lock);
}

// Waiting with a deadline that never passes is another way into the C library.
static void wait_with_deadline(Queue *queue, pthread_cond_t *condition, int full) {
  struct timespec deadline;
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += 3600;
  while (queue->count == full)
    if (pthread_cond_timedwait(condition, &queue->lock, &deadline) != 0)
      exit(3);
}

static void put(Queue *queue, uint64_t item) {
  pthread_mutex_lock(&queue->lock);
  wait_while(queue, &queue->not_full, capacity);
  queue->items[(queue->first + queue->count++) % capacity] = item;
  pthread_cond_signal(&queue->not_empty);
  pthread_mutex_unlock(&queue->lock);
}

static uint64_t take(Queue *queue) {
  pthread_mutex_lock(&queue->lock);
  wait_with_deadline(queue, &queue->not_empty, 0);
  uint64_t item = queue->items[queue->first];
  queue->first = (queue->first + 1) % capacity;
  queue->count--;
  pthread_cond_broadcast(&queue->not_full);
  pthread_mutex_unlock(&queue->lock);
  return item;
}

static uint64_t scramble(uint64_t value, int depth) {
  value ^= value >> 29;
  value *= 0xbf58476d1ce4e5b9u + (uint64_t)depth;
  return depth == 0 ? value : scramble(value, depth - 1) ^ (uint64_t)depth;
}

// Item 0 ends a stage and is handed on.
static void *run_stage(void *argument) {
  int stage = (int)(intptr_t)argument;
  uint64_t handled = 0;
  for (uint64_t item; (item = take(&queues[stage])) != 0; handled++)
    put(&queues[stage + 1], scramble(item, 3 + stage) | 1);
  put(&queues[stage + 1], 0);
  return (void *)handled;
}

static void *produce(void *argument) {
  uint64_t items = (uint64_t)argument;
  for (uint64_t i = 1; i <= items; i++)
    put(&queues[0], i);
  put(&queues[0], 0);
  return NULL;
}

int main(int argc, char **argv) {
  uint64_t scale = (uint64_t)read_scale(argc, argv), items = 60 * scale * (1 + scale / 8), sum = 0, received = 0;
  pthread_t producer, threads[stages];
  for (int i = 0; i <= stages; i++) {
    pthread_mutex_init(&queues[i].lock, NULL);
    pthread_cond_init(&queues[i].not_empty, NULL);
    pthread_cond_init(&queues[i].not_full, NULL);
  }
  for (int i = 0; i < stages; i++)
    pthread_create(&threads[i], NULL, run_stage, (void *)(intptr_t)i);
  pthread_create(&producer, NULL, produce, (void *)items);
  for (uint64_t item; (item = take(&queues[stages])) != 0; received++)
    sum = sum * 31 + item;
  pthread_join(producer, NULL);
  for (int i = 0; i < stages; i++) {
    void *handled;
    pthread_join(threads[i], &handled);
    printf("stage %d handled %llu\n", i, (unsigned long long)(uintptr_t)handled);
  }
  printf("received %llu, fingerprint %016llx\n", (unsigned long long)received, (unsigned long long)sum);
  return 0;
}
