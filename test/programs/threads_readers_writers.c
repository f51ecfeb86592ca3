// Check that reader-writer locks and semaphores with program frames below them survive replaced frames.
//
// Writers keep an invariant (a sorted list whose checksum is stored beside it) that every reader checks; a ring buffer
// between two semaphores carries what was written to a thread that adds it up.

#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <errno.h>
#include <semaphore.h>

enum { readers = 3, writers = 2, ring_size = 8 };

typedef struct Node {
  struct Node *next;
  uint32_t value;
} Node;

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static Node *list;
static uint64_t checksum, length;
static sem_t free_slots, used_slots;
static pthread_mutex_t ring_lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t ring[ring_size];
static unsigned ring_in, ring_out;
static int values_each;

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static void wait_for(sem_t *semaphore) {
  while (sem_wait(semaphore) != 0)
    if (errno != EINTR)
      exit(3);
}

static void send(uint32_t value) {
  wait_for(&free_slots);
  pthread_mutex_lock(&ring_lock);
  ring[ring_in++ % ring_size] = value;
  pthread_mutex_unlock(&ring_lock);
  sem_post(&used_slots);
}

static Node **find_place(Node **at, uint32_t value) {
  return *at && (*at)->value < value ? find_place(&(*at)->next, value) : at;
}

static void insert(uint32_t value) {
  pthread_rwlock_wrlock(&lock);
  Node *node = malloc(sizeof *node), **place = find_place(&list, value);
  *node = (Node){*place, value};
  *place = node;
  checksum += value;
  if (++length > 200) { // the smallest one goes
    Node *first = list;
    list = first->next;
    checksum -= first->value;
    length--;
    free(first);
  }
  pthread_rwlock_unlock(&lock);
}

static uint64_t sum_sorted(const Node *node, uint32_t least, int *ok) {
  if (!node)
    return 0;
  *ok &= node->value >= least;
  return node->value + sum_sorted(node->next, node->value, ok);
}

static void *write_values(void *argument) {
  uint32_t seed = (uint32_t)(uintptr_t)argument;
  for (int i = 0; i < values_each; i++) {
    seed = seed * 1664525u + 1013904223u;
    insert(seed >> 12);
    send(seed >> 12);
  }
  return NULL;
}

static void *read_values(void *argument) {
  int ok = 1;
  for (int i = 0; i < values_each; i++) {
    pthread_rwlock_rdlock(&lock);
    uint64_t sum = sum_sorted(list, 0, &ok);
    ok &= sum == checksum;
    pthread_rwlock_unlock(&lock);
  }
  return ok ? argument : NULL;
}

static void *add_up(void *argument) {
  uint64_t sum = 0;
  for (int i = 0; i < writers * values_each; i++) {
    wait_for(&used_slots);
    pthread_mutex_lock(&ring_lock);
    sum += ring[ring_out++ % ring_size];
    pthread_mutex_unlock(&ring_lock);
    sem_post(&free_slots);
  }
  *(uint64_t *)argument = sum;
  return NULL;
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  values_each = 50 * scale * (1 + scale / 4);
  pthread_t reading[readers], writing[writers], adding;
  uint64_t sum = 0;
  sem_init(&free_slots, 0, ring_size);
  sem_init(&used_slots, 0, 0);
  pthread_create(&adding, NULL, add_up, &sum);
  for (int i = 0; i < readers; i++)
    pthread_create(&reading[i], NULL, read_values, &reading[i]);
  for (uintptr_t i = 0; i < writers; i++)
    pthread_create(&writing[i], NULL, write_values, (void *)(i * 77 + 5));
  for (int i = 0; i < writers; i++)
    pthread_join(writing[i], NULL);
  pthread_join(adding, NULL);
  for (int i = 0; i < readers; i++) {
    void *result;
    pthread_join(reading[i], &result);
    printf("reader %d: %s\n", i, result ? "consistent" : "saw a broken list");
  }
  printf("length %llu, checksum %llu, sum %llu\n", (unsigned long long)length, (unsigned long long)checksum,
         (unsigned long long)sum);
  return 0;
}
