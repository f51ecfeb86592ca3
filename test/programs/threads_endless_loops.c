// Check that threads in endless loops that call nothing survive replaced frames, and end when they are told to.
//
// Each loop goes round until main has seen it make progress; two counts of the rounds have to agree then. Loops of every
// kind: one word watched, a ring of pointers, floating point, two entries, nested, inlined into another loop.
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct Job {
  _Alignas(64) uint64_t progress;
  int stop, kind, side;
  uint64_t mismatch;
} Job;

typedef struct Link {
  struct Link *next;
  uint64_t number;
} Link;

enum { ring_size = 7, kinds = 7, rounds_wanted = 20000 };
static Link ring[ring_size];

#define ROUND(job) __atomic_fetch_add(&(job)->progress, 1, __ATOMIC_RELAXED)
#define STOPPED(job) __atomic_load_n(&(job)->stop, __ATOMIC_RELAXED)

static uint64_t watch(Job *job) {
  uint64_t rounds = 0, triple = 0;
  while (!STOPPED(job)) {
    ROUND(job);
    rounds++;
    triple += 3;
  }
  return triple - 3 * rounds;
}

static uint64_t chase(Job *job) {
  const Link *at = ring;
  uint64_t rounds = 0;
  for (; !STOPPED(job); at = at->next, rounds++)
    ROUND(job);
  return at->number - rounds % ring_size;
}

static uint64_t floating(Job *job) {
  double a = 0, b = 1, c = 0;
  float d = 0;
  while (!STOPPED(job)) {
    ROUND(job);
    a += 1;
    b = b * -1;
    c += b;
    d = (float)(c + 0.5);
  }
  uint64_t rounds = (uint64_t)a;
  return (c == (rounds % 2 ? -1.0 : 0.0) && b == (rounds % 2 ? -1.0 : 1.0) && (d == 0 || d == -0.5f || d == 0.5f)) ? 0 : 1;
}

static uint64_t two_entries(Job *job, int side) {
  uint64_t left = 0, right = 0;
  if (side)
    goto second;
first:
  left++;
  ROUND(job);
  if (STOPPED(job))
    return left - right - (uint64_t)!side;
second:
  right++;
  goto first;
}

static uint64_t nested(Job *job) {
  uint64_t outer = 0, inner = 0;
  unsigned random = 1;
  while (!STOPPED(job)) {
    ROUND(job);
    outer++;
    do {
      random = random * 1103515245u + 12345u;
      inner += 2;
    } while (random >> 16 & 3 && !STOPPED(job));
  }
  return inner % 2 + (inner < 2 * outer);
}

static inline uint64_t step(uint64_t state) {
  while (state % 7) // of unknown length
    state--;
  return state + 1;
}

static uint64_t inlined(Job *job) {
  uint64_t rounds = 0, wrong = 0;
  while (!STOPPED(job)) {
    ROUND(job);
    rounds++;
    wrong += step(rounds % 50) % 7 != 1;
  }
  return wrong;
}

static uint64_t many_values(Job *job) {
  uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8, i = 9, j = 10, k = 11, l = 12, rounds = 0;
  while (!STOPPED(job)) {
    ROUND(job);
    uint64_t first = a;
    a = b, b = c, c = d, d = e, e = f, f = g, g = h, h = i, i = j, j = k, k = l, l = first;
    rounds++;
  }
  uint64_t values[] = {a, b, c, d, e, f, g, h, i, j, k, l}, wrong = 0;
  for (unsigned n = 0; n < 12; n++)
    wrong += values[n] != (n + rounds) % 12 + 1;
  return wrong;
}

static void *run(void *argument) {
  Job *job = argument;
  switch (job->kind) {
  case 0: job->mismatch = watch(job); break;
  case 1: job->mismatch = chase(job); break;
  case 2: job->mismatch = floating(job); break;
  case 3: job->mismatch = two_entries(job, job->side); break;
  case 4: job->mismatch = nested(job); break;
  case 5: job->mismatch = inlined(job); break;
  case 6: job->mismatch = many_values(job); break;
  }
  return NULL;
}

int main(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  for (unsigned i = 0; i < ring_size; i++)
    ring[i] = (Link){&ring[(i + 1) % ring_size], i};
  for (int kind = 0; kind < kinds; kind++) {
    Job jobs[2] = {{.kind = kind}, {.kind = kind, .side = 1}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
      if (pthread_create(&threads[i], NULL, run, &jobs[i]))
        return 1;
    for (int i = 0; i < 2; i++)
      while (__atomic_load_n(&jobs[i].progress, __ATOMIC_RELAXED) < (uint64_t)rounds_wanted * (scale < 1 ? 1 : scale))
        sched_yield();
    uint64_t mismatch = 0;
    for (int i = 0; i < 2; i++) {
      __atomic_store_n(&jobs[i].stop, 1, __ATOMIC_RELAXED);
      pthread_join(threads[i], NULL);
      mismatch |= jobs[i].mismatch;
    }
    printf("kind %d: %s\n", kind, mismatch ? "its counts differ" : "ended");
  }
  return 0;
}
