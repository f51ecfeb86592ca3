// Uses whatever needs the kernel: threads, new versions, code that is freed, forks. What fails is done without.
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum Tier { baseline, optimized };
long request(const char *function, int tier);
long request_version(const char *function, int tier);

enum { versions = 12, no_memory_for_a_child = 127 };

#define NOINLINE __attribute__((noinline))

static volatile uint32_t salt = 7; // else the compiler would know that the same comes out each time
static const char *whom;
static int tier;

NOINLINE static uint32_t recurse(int depth, uint32_t hash) {
  if (depth > 0)
    return (recurse(depth - 1, hash * 31 + (uint32_t)depth) ^ hash) * 16777619u;
  if (whom)
    request(whom, tier);
  return hash ^ salt;
}

// Large, so that whole pages become free.
NOINLINE static uint32_t large(uint32_t hash) {
#pragma clang loop unroll(full)
  for (int i = 0; i < 60; i++)
    hash = recurse(0, hash * 33 + (uint32_t)i) ^ (hash >> 3);
  return hash;
}

static void *in_thread(void *argument) { return (void *)(uintptr_t)recurse(*(int *)argument, 1); }

int main(void) {
  int depth = 30;
  uint32_t expected = recurse(depth, 1), expected_large = large(5);
  for (int i = 0; i < versions; i++) {
    whom = "recurse";
    tier = i % 2;
    if (recurse(depth, 1) != expected)
      return 3;
    whom = NULL;
    request_version("large", tier);
    if (large(5) != expected_large)
      return 4;
  }
  pthread_t thread;
  void *result;
  if (pthread_create(&thread, NULL, in_thread, &depth) == 0)
    if (pthread_join(thread, &result) != 0 || (uint32_t)(uintptr_t)result != expected)
      return 5;
  pid_t child = fork();
  if (child == 0) {
    request_version("large", baseline);
    _exit(recurse(depth, 1) == expected && large(5) == expected_large ? 7 : 8);
  }
  int status;
  if (child > 0 && (waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
                    (WEXITSTATUS(status) != 7 && WEXITSTATUS(status) != no_memory_for_a_child)))
    return 6;
  return 0;
}
