// loading_program PLUGIN WORK: another thread does WORK while this one is in the plugin's constructor, which comes back into the
// program. What natively needs nobody's lock must not wait for the dynamic linker's while it keeps others waiting.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int begins, worker, done;
static const char *work;

static int sleeps(int thread) {
  char path[64], text[512] = "";
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread);
  FILE *file = fopen(path, "r");
  if (!file)
    return 1;
  fgets(text, sizeof text, file);
  fclose(file);
  const char *state = strrchr(text, ')');
  return state && state[2] == 'S';
}

/// Code generation calls the library for it, and the program does not name what it calls.
static __attribute__((noinline)) unsigned __int128 quotient(unsigned __int128 a, unsigned __int128 b) { return a / b; }
static __attribute__((noinline)) void fill(unsigned char *to, int length) {
  for (int i = 0; i < length; i++)
    to[i] = 7;
}

static void *act(void *argument) {
  unsigned char bytes[300] = {0};
  atomic_store(&worker, syscall(SYS_gettid));
  while (!atomic_load(&begins))
    sched_yield();
  int result = 1;
  if (!strcmp(work, "dlsym"))
    result = dlsym(RTLD_DEFAULT, "getppid") != 0;
  else if (!strcmp(work, "divide"))
    result = (int)quotient((unsigned __int128)argument << 70, (unsigned __int128)argument << 66) == 16;
  else
    fill(bytes, sizeof bytes), result = bytes[299] == 7;
  atomic_store(&done, 1 + result);
  return 0;
}

static __attribute__((noinline)) int called_by_the_constructor_only(int x) { return x * 3 + (x >> 1); }

/// Until the worker is done, or waits: for whoever is here.
void while_loading(void) {
  atomic_store(&begins, 1);
  for (int seen = 0; seen < 100 && !atomic_load(&done); seen = sleeps(worker) ? seen + 1 : 0)
    sched_yield();
  printf("loading: %d %d\n", dlsym(RTLD_DEFAULT, "getpid") != 0, called_by_the_constructor_only(5));
}

int main(int argc, char **argv) {
  work = argv[2];
  pthread_t thread;
  pthread_create(&thread, 0, act, argv[1]);
  while (!atomic_load(&worker))
    sched_yield();
  if (!dlopen(argv[1], RTLD_NOW))
    puts(dlerror());
  pthread_join(thread, 0);
  printf("done: %d\n", done);
  return 0;
}
