// Recurses to the end of its stack, with objects or without, in main or in another thread.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile unsigned long sink;

__attribute__((noinline)) static unsigned long values(unsigned long depth) {
  sink = depth;
  return values(depth + 1) * 3 + depth;
}

__attribute__((noinline)) static unsigned long objects(unsigned long depth, unsigned long *above) {
  unsigned long here[64] = {depth, *above};
  sink = here[depth % 2];
  return objects(depth + 1, here) + here[depth % 64];
}

static void *run(void *argument) {
  unsigned long start = 1;
  return (void *)(strcmp(argument, "objects") == 0 ? objects(1, &start) : values(1));
}

int main(int argc, char **argv) {
  pthread_t thread;
  void *result;
  puts("recursing");
  fflush(stdout);
  if (argc > 2) {
    pthread_create(&thread, NULL, run, argv[1]);
    pthread_join(thread, &result);
    return result != NULL;
  }
  return run(argv[1]) != NULL;
}
