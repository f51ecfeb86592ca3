// Check that threads which share data under mutexes (normal, recursive, trylock) agree in spite of replaced frames.
//
// Each thread moves money between accounts in an order of its own; what every account holds at the end depends on the
// set of transfers only, not on their order. Locks are taken frames above the code that uses and gives them back.

#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { accounts = 16, workers = 4 };

typedef struct {
  pthread_mutex_t lock;
  int64_t balance;
  uint32_t visits;
} Account;

typedef struct {
  int id, transfers;
  uint32_t seed;
  int64_t moved;
} Worker;

static Account bank[accounts];
static pthread_mutex_t audit_lock;
static int64_t audited;

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static uint32_t next_random(uint32_t *seed) { return *seed = *seed * 1664525u + 1013904223u; }

static void lock_both(Account *a, Account *b) {
  Account *first = a < b ? a : b, *second = a < b ? b : a;
  for (;;) {
    pthread_mutex_lock(&first->lock);
    if (first == second || pthread_mutex_trylock(&second->lock) == 0)
      return;
    pthread_mutex_unlock(&first->lock);
  }
}

static void unlock_both(Account *a, Account *b) {
  pthread_mutex_unlock(&a->lock);
  if (a != b)
    pthread_mutex_unlock(&b->lock);
}

// The audit lock is recursive: every level of this recursion takes it again.
static int64_t audit(int level, int64_t amount) {
  pthread_mutex_lock(&audit_lock);
  int64_t below = level == 0 ? amount : audit(level - 1, amount + level) - level;
  if (level == 0)
    audited += amount;
  pthread_mutex_unlock(&audit_lock);
  return below;
}

static int64_t transfer(Worker *worker) {
  Account *from = &bank[next_random(&worker->seed) >> 20 & (accounts - 1)];
  Account *to = &bank[next_random(&worker->seed) >> 20 & (accounts - 1)];
  int64_t amount = next_random(&worker->seed) >> 24;
  lock_both(from, to);
  from->balance -= amount;
  to->balance += amount;
  from->visits++;
  to->visits++;
  unlock_both(from, to);
  return audit((int)(amount % 5), amount);
}

static void *work(void *argument) {
  Worker *worker = argument;
  for (int i = 0; i < worker->transfers; i++)
    worker->moved += transfer(worker);
  return worker;
}

static void set_up(void) {
  pthread_mutexattr_t recursive;
  pthread_mutexattr_init(&recursive);
  pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init(&audit_lock, &recursive);
  for (int i = 0; i < accounts; i++) {
    pthread_mutex_init(&bank[i].lock, NULL);
    bank[i].balance = 1000 * i;
  }
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv), transfers = 150 * scale * (1 + scale / 4);
  pthread_t threads[workers];
  Worker state[workers];
  set_up();
  for (int i = 0; i < workers; i++) {
    state[i] = (Worker){i, transfers, 77u + (uint32_t)i, 0};
    pthread_create(&threads[i], NULL, work, &state[i]);
  }
  int64_t moved = 0, sum = 0;
  for (int i = 0; i < workers; i++) {
    void *result;
    pthread_join(threads[i], &result);
    moved += ((Worker *)result)->moved;
    printf("worker %d moved %lld\n", i, (long long)state[i].moved);
  }
  for (int i = 0; i < accounts; i++) {
    printf("account %d: %lld after %u visits\n", i, (long long)bank[i].balance, bank[i].visits);
    sum += bank[i].balance;
  }
  printf("sum %lld, audited %lld of %lld\n", (long long)sum, (long long)audited, (long long)moved);
  return 0;
}
