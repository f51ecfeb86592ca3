// Check that requests survive what happens around them: signals without a pause, threads that end, forks, a thread that
// cannot be stopped. The program goes on, and what was not done is said.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum Tier { baseline, optimized };
long request(const char *function, int tier); // of the host: activations that were sent elsewhere, -1 if it failed
long request_version(const char *function, int tier); // of the host: a new version; the old one's activations stay
long landed(int tier);                        // of the host: transitions that have happened

enum { requests = 300, children = 10, deep = 300000, most_versions = 10000 };

#define NOINLINE __attribute__((noinline))
#define CHECK(condition)                                                                                               \
  do                                                                                                                   \
    if (!(condition)) {                                                                                                \
      fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                                                          \
      abort();                                                                                                         \
    }                                                                                                                  \
  while (0)

static atomic_int ending, handled;
static volatile uint32_t salt = 7; // else the compiler would know that the same comes out each time

NOINLINE static uint32_t recurse(int depth, uint32_t hash) {
  return depth == 0 ? hash ^ salt : (recurse(depth - 1, hash * 31 + (uint32_t)depth) ^ hash) * 16777619u;
}

static void *repeat(void *argument) {
  uint32_t expected = recurse(40, 1);
  while (!atomic_load(&ending))
    CHECK(recurse(40, 1) == expected);
  return argument;
}

static void ask_often(void) {
  for (int i = 0; i < requests; i++)
    CHECK(request("recurse", i % 2 ? optimized : baseline) >= 0);
}

// Signals without a pause.

static void handle(int number) {
  CHECK(recurse(10, (uint32_t)number) != 0);
  atomic_fetch_add(&handled, 1);
}

static void *send_signals(void *argument) {
  while (!atomic_load(&ending))
    pthread_kill(*(pthread_t *)argument, SIGUSR1);
  return NULL;
}

static void signal_storm(void) {
  struct sigaction action;
  pthread_t worker, sender;
  memset(&action, 0, sizeof action);
  action.sa_handler = handle;
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &action, NULL);
  atomic_store(&ending, 0);
  CHECK(pthread_create(&worker, NULL, repeat, NULL) == 0);
  CHECK(pthread_create(&sender, NULL, send_signals, &worker) == 0);
  while (!atomic_load(&handled))
    ;
  ask_often();
  atomic_store(&ending, 1);
  pthread_join(sender, NULL); // before the thread that it sends to
  pthread_join(worker, NULL);
}

// Threads that begin and end during handshakes.

static void *live_briefly(void *argument) {
  uint32_t hash = recurse(5, 2);
  if (hash % 2)
    pthread_exit(argument);
  return argument;
}

static void *start_threads(void *argument) {
  pthread_t thread;
  void *result;
  while (!atomic_load(&ending)) {
    CHECK(pthread_create(&thread, NULL, live_briefly, argument) == 0);
    CHECK(pthread_join(thread, &result) == 0 && result == argument);
  }
  return NULL;
}

static void ending_threads(void) {
  pthread_t starters[2];
  atomic_store(&ending, 0);
  for (int i = 0; i < 2; i++)
    CHECK(pthread_create(&starters[i], NULL, start_threads, &starters[i]) == 0);
  ask_often();
  atomic_store(&ending, 1);
  for (int i = 0; i < 2; i++)
    pthread_join(starters[i], NULL);
}

// Forks during requests; the child makes requests of its own.

static void *ask_until_the_end(void *argument) {
  for (int i = 0; !atomic_load(&ending); i++)
    CHECK(request("recurse", i % 2 ? optimized : baseline) >= 0);
  return argument;
}

NOINLINE static uint32_t fork_at(int depth, uint32_t hash, pid_t *child) {
  if (depth > 0)
    return (fork_at(depth - 1, hash * 31 + (uint32_t)depth, child) ^ hash) * 16777619u;
  *child = fork();
  if (*child == 0)
    CHECK(request("fork_at", baseline) > 0 && request("fork_at", optimized) >= 0 && request("recurse", baseline) >= 0);
  return hash ^ salt;
}

static void forks(void) {
  pthread_t asking, working;
  uint32_t expected = recurse(20, 3);
  atomic_store(&ending, 0);
  CHECK(pthread_create(&asking, NULL, ask_until_the_end, NULL) == 0);
  CHECK(pthread_create(&working, NULL, repeat, NULL) == 0);
  for (int i = 0; i < children; i++) {
    pid_t child = 0;
    int status = -1;
    uint32_t hash = fork_at(20, 3, &child);
    CHECK(hash == expected);
    if (child == 0)
      _exit(7);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
  }
  atomic_store(&ending, 1);
  pthread_join(asking, NULL);
  pthread_join(working, NULL);
}

// A thread that blocks every signal behind the C library's back.

static atomic_int blocked, may_unblock;

static long set_mask(uint64_t mask) { return syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask); }

NOINLINE static uint32_t wait_blocked(uint32_t hash) {
  CHECK(set_mask(~(uint64_t)0) == 0);
  atomic_store(&blocked, 1);
  while (!atomic_load(&may_unblock))
    ;
  CHECK(set_mask(0) == 0);
  atomic_store(&blocked, 0);
  while (!atomic_load(&ending))
    ;
  return hash * 3;
}

NOINLINE static uint32_t around_blocked(uint32_t hash) { return wait_blocked(hash + 1) ^ hash; }

static void *run_blocked(void *argument) { return (void *)(uintptr_t)around_blocked((uint32_t)(uintptr_t)argument); }

static void blocked_thread(void) {
  pthread_t thread;
  void *result;
  long before = landed(baseline);
  atomic_store(&ending, 0);
  CHECK(pthread_create(&thread, NULL, run_blocked, (void *)5) == 0);
  while (!atomic_load(&blocked))
    ;
  CHECK(request("around_blocked", baseline) == -1);
  CHECK(landed(baseline) == before);
  atomic_store(&may_unblock, 1);
  while (atomic_load(&blocked))
    ;
  CHECK(request("around_blocked", baseline) == 1);
  atomic_store(&ending, 1);
  pthread_join(thread, &result);
  CHECK((uint32_t)(uintptr_t)result == (18 ^ 5));
  CHECK(landed(baseline) == before + 1);
}

// No memory for the list of what a request has found.

static struct rlimit no_limit;

static void limit_memory(uint64_t more) {
  struct rlimit tight = no_limit;
  uint64_t pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  CHECK(file && fscanf(file, "%lu", &pages) == 1);
  fclose(file);
  tight.rlim_cur = pages * 4096 + more;
  CHECK(setrlimit(RLIMIT_AS, &tight) == 0);
}

NOINLINE static uint32_t descend(int depth, uint32_t hash) {
  if (depth > 0)
    return (descend(depth - 1, hash * 31 + (uint32_t)depth) ^ hash) * 16777619u;
  limit_memory(48 << 20);
  CHECK(request("descend", baseline) == -1);
  CHECK(setrlimit(RLIMIT_AS, &no_limit) == 0);
  CHECK(request("descend", baseline) == deep + 1);
  return hash ^ salt;
}

static void *run_descend(void *argument) {
  uint32_t hash = 4, expected[2] = {0, 4};
  for (int depth = deep; depth > 0; depth--)
    expected[1] = expected[1] * 31 + (uint32_t)depth;
  hash = descend(deep, hash);
  // The hashes on the way back, from the innermost one: each is undone from the one inside.
  uint32_t inverse = 3186588639u, down = expected[1]; // 31 * inverse is 1
  expected[0] = down ^ salt;
  for (int depth = 1; depth <= deep; depth++) {
    down = (down - (uint32_t)depth) * inverse;
    expected[0] = (expected[0] ^ down) * 16777619u;
  }
  CHECK(hash == expected[0]);
  return argument;
}

static void no_memory_for_lists(void) {
  pthread_t thread;
  pthread_attr_t attributes;
  CHECK(getrlimit(RLIMIT_AS, &no_limit) == 0);
  pthread_attr_init(&attributes);
  CHECK(pthread_attr_setstacksize(&attributes, (size_t)256 << 20) == 0);
  CHECK(pthread_create(&thread, &attributes, run_descend, NULL) == 0);
  pthread_join(thread, NULL);
}

// No memory for code: each activation has a version of its own, until there is no room for another one.

NOINLINE static uint32_t versions(int depth, uint32_t hash) {
  CHECK(depth < most_versions);
  if (request_version("versions", depth % 2 ? baseline : optimized) >= 0)
    hash = versions(depth + 1, hash * 31 + 1) ^ hash;
  else
    for (int i = 0; i < 4; i++)
      request("recurse", i % 2 ? optimized : baseline); // not checked: it may have room
  return hash * 16777619u;
}

static uint32_t expected_versions(int depth, uint32_t hash, int last) {
  if (depth < last)
    hash = expected_versions(depth + 1, hash * 31 + 1, last) ^ hash;
  return hash * 16777619u;
}

static void no_memory_for_code(void) {
  uint32_t hash = versions(0, 1);
  int last = 0;
  while (last < most_versions && expected_versions(0, 1, last) != hash)
    last++;
  CHECK(last > 10 && last < most_versions);
  for (int i = 0; i < 10; i++) { // what could not be compiled then can be now
    CHECK(request("recurse", i % 2 ? optimized : baseline) >= 0);
    CHECK(request_version("versions", baseline) >= 0);
  }
}

int main(void) {
  blocked_thread(); // first: its counts are exact
  signal_storm();
  ending_threads();
  forks();
#ifndef NO_ADDRESS_LIMITS // the host's sanitizer has to map what it wants
  no_memory_for_lists();
#endif
  no_memory_for_code();
  printf("%ld landed in baseline code, %ld went on in optimised code\n", landed(baseline), landed(optimized));
  return 0;
}
