// Threads that do a bit of everything, for as long as somebody still wants to stop them. Each checks its own results.
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

int random_stops_left(void); // of the host

typedef uint64_t Round(void);

static _Thread_local uint64_t own;
static int pipe_ends[2];

__attribute__((noinline)) static uint64_t mix(uint64_t hash, uint64_t value) { return (hash ^ value) * 1099511628211u; }

__attribute__((noinline)) static uint64_t descend(int depth, uint64_t hash, uint64_t *above) {
  uint64_t here = mix(hash, *above + (uint64_t)depth);
  return depth == 0 ? here : mix(descend(depth - 1, here, &here), here);
}

static uint64_t recurse(void) {
  uint64_t start = 1;
  return descend(1000, 7, &start);
}

static int compare(const void *left, const void *right) {
  uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
  uint64_t start = 3;
  return (int)(descend(3, a, &start) == 0) + (a > b) - (a < b);
}

static uint64_t sort(void) {
  uint32_t numbers[200];
  uint64_t hash = 5;
  for (uint32_t i = 0; i < 200; i++)
    numbers[i] = i * 2654435761u;
  qsort(numbers, 200, sizeof *numbers, compare);
  for (int i = 0; i < 200; i++)
    hash = mix(hash, numbers[i]);
  return hash;
}

static _Thread_local jmp_buf landing;

__attribute__((noinline)) static uint64_t jump_from(int depth, uint64_t hash) {
  if (depth == 0)
    longjmp(landing, 1 + (int)(hash % 3));
  return mix(jump_from(depth - 1, mix(hash, 1)), 2);
}

static uint64_t jump(void) {
  static _Thread_local volatile uint64_t hash; // of the thread: nothing of the frame is read after the jump
  hash = 11;
  for (volatile int i = 0; i < 50; i++) {
    int code = setjmp(landing);
    hash = mix(hash, code == 0 ? jump_from(i, hash) : (uint64_t)code);
  }
  return hash;
}

static uint64_t library_calls(void) {
  uint64_t hash = 13;
  char text[64];
  for (int i = 0; i < 40; i++) {
    char *copy = malloc((size_t)(16 + i * 37));
    snprintf(text, sizeof text, "%d %.3f %s", i, sqrt(i) * sin(i), "text");
    strcpy(copy, text);
    hash = mix(hash, (uint64_t)strlen(copy) + (uint64_t)strtol(copy, NULL, 10));
    free(copy);
  }
  return hash;
}

static uint64_t local_data(void) {
  own = 17;
  for (int i = 0; i < 300; i++)
    own = mix(own, descend(2, own, &own));
  return own;
}

static uint64_t loops(void) {
  uint32_t table[256];
  uint64_t hash = 19;
  for (int round = 0; round < 30; round++) {
    for (uint32_t i = 0; i < 256; i++)
      table[i] = i * (uint32_t)round + (uint32_t)hash;
    for (int i = 0; i < 256; i++)
      hash = hash * 31 + table[i];
  }
  return hash;
}

static uint64_t messages(void) {
  uint64_t hash = 23;
  for (int i = 0; i < 20; i++) {
    char byte = 'x';
    if (write(pipe_ends[1], &byte, 1) != 1 || read(pipe_ends[0], &byte, 1) != 1)
      abort();
    hash = mix(hash, (uint64_t)byte);
  }
  return hash;
}

static void *brief(void *argument) { return (void *)(uintptr_t)descend(20, (uintptr_t)argument, &own); }

static uint64_t brief_threads(void) {
  uint64_t hash = 29;
  void *result;
  pthread_t thread;
  for (uintptr_t i = 0; i < 3; i++) {
    if (pthread_create(&thread, NULL, brief, (void *)i) != 0)
      abort();
    pthread_join(thread, &result);
    hash = mix(hash, (uintptr_t)result);
  }
  return hash;
}

static Round *const rounds[] = {recurse, sort, jump, library_calls, local_data, loops, messages, brief_threads};

static void *repeat(void *argument) {
  Round *round = *(Round *const *)argument;
  uint64_t expected = round();
  while (random_stops_left())
    if (round() != expected)
      abort();
  return NULL;
}

static void on_timer(int number) {
  uint64_t start = (uint64_t)number;
  if (descend(10, 31, &start) == 0)
    abort();
}

int main(void) {
  enum { count = sizeof rounds / sizeof *rounds };
  struct itimerval period = {{0, 2000}, {0, 2000}}, never = {{0, 0}, {0, 0}};
  struct sigaction action;
  pthread_t threads[count];
  memset(&action, 0, sizeof action);
  action.sa_handler = on_timer;
  action.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &action, NULL);
  if (pipe(pipe_ends) != 0)
    return 2;
  for (int i = 0; i < count; i++)
    pthread_create(&threads[i], NULL, repeat, (void *)&rounds[i]);
  setitimer(ITIMER_REAL, &period, NULL);
  for (int i = 0; i < count; i++)
    pthread_join(threads[i], NULL);
  setitimer(ITIMER_REAL, &never, NULL);
  return 0;
}
