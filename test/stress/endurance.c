// Runs for as many seconds as the argument says, in several threads, and checks each result against the first one of its
// kind. Made for churn: some functions are always on the stack, others are called millions of times.
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { threads = 3, numbers = 600, kinds = 6 };

static double seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static unsigned next_random(unsigned *state) { return *state = *state * 1664525u + 1013904223u; }

static unsigned long fib(unsigned n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

static int is_even(unsigned n);
static int is_odd(unsigned n) { return n == 0 ? 0 : is_even(n - 1); }
static int is_even(unsigned n) { return n == 0 ? 1 : is_odd(n - 1); }

static int compare(const void *a, const void *b) { return *(const unsigned *)a < *(const unsigned *)b ? -1 : *(const unsigned *)a > *(const unsigned *)b; }

static unsigned long sort_some(unsigned seed) {
  unsigned values[numbers];
  unsigned long sum = 0;
  for (int i = 0; i < numbers; ++i)
    values[i] = next_random(&seed) >> 8;
  qsort(values, numbers, sizeof *values, compare);
  for (int i = 0; i < numbers; ++i)
    sum = sum * 31 + values[i];
  return sum;
}

static unsigned long collatz(unsigned long n) {
  unsigned long steps = 0;
  while (n != 1) {
    n = n % 2 ? 3 * n + 1 : n / 2;
    ++steps;
  }
  return steps;
}

struct node {
  struct node *left, *right;
  int key;
};

static struct node *insert(struct node *root, int key) {
  if (!root) {
    root = calloc(1, sizeof *root);
    root->key = key;
  } else if (key < root->key) {
    root->left = insert(root->left, key);
  } else {
    root->right = insert(root->right, key);
  }
  return root;
}

static unsigned long release(struct node *root, unsigned depth) {
  if (!root)
    return depth;
  unsigned long sum = release(root->left, depth + 1) * 3 + release(root->right, depth + 1) + (unsigned)root->key;
  free(root);
  return sum;
}

static unsigned long tree(unsigned seed) {
  struct node *root = NULL;
  for (int i = 0; i < 300; ++i)
    root = insert(root, (int)(next_random(&seed) >> 16));
  return release(root, 0);
}

static double average(const double *values, int count, double (*change)(double)) {
  double sum = 0;
  for (int i = 0; i < count; ++i)
    sum += change(values[i]);
  return sum / count;
}
static double square(double value) { return value * value; }
static double half(double value) { return value / 2; }

static unsigned long floats(unsigned seed) {
  double values[64];
  for (int i = 0; i < 64; ++i)
    values[i] = (double)(next_random(&seed) >> 12) / 1024.0;
  return (unsigned long)(average(values, 64, square) * 16.0 + average(values, 64, half));
}

static void leave(jmp_buf *point, int depth) {
  if (depth == 0)
    longjmp(*point, 7);
  leave(point, depth - 1);
}

static unsigned long jumps(unsigned depth) {
  jmp_buf point;
  int result = setjmp(point);
  if (result == 0)
    leave(&point, (int)depth);
  return (unsigned long)result + depth;
}

static unsigned long work(unsigned kind) {
  switch (kind) {
  case 0: return fib(15);
  case 1: return (unsigned long)is_even(1000) + sort_some(17);
  case 2: return collatz(837799) + collatz(626331);
  case 3: return tree(5);
  case 4: return floats(9);
  default: return jumps(40);
  }
}

static double end;

/// One round inside the other: so all of these are always on some stack.
static unsigned long rounds(const unsigned long *expected, unsigned depth, unsigned long *failures) {
  unsigned long done = 0;
  if (depth > 0)
    return rounds(expected, depth - 1, failures) + 1;
  while (seconds_now() < end) {
    for (unsigned kind = 0; kind < kinds; ++kind)
      *failures += work(kind) != expected[kind];
    ++done;
  }
  return done;
}

static void *run(void *argument) {
  unsigned long expected[kinds], failures = 0;
  for (unsigned kind = 0; kind < kinds; ++kind)
    expected[kind] = work(kind);
  unsigned long done = rounds(expected, 20, &failures);
  printf("thread %s: %lu wrong, %s\n", (const char *)argument, failures, done > 20 ? "some rounds" : "no round");
  return NULL;
}

int main(int argc, char **argv) {
  static const char *names[threads] = {"a", "b", "c"};
  pthread_t ids[threads];
  setvbuf(stdout, NULL, _IOLBF, 0);
  end = seconds_now() + (argc > 1 ? atof(argv[1]) : 1);
  for (int i = 0; i < threads; ++i)
    pthread_create(&ids[i], NULL, run, (void *)names[i]);
  for (int i = 0; i < threads; ++i)
    pthread_join(ids[i], NULL);
  puts("ended");
  return 0;
}
