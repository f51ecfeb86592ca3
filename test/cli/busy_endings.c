// Check that a program ends at once, and as natively, while a function of it is being optimised: argv[1] says how.
#include "busy_endings.h"
#include <err.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static const char *how;

__attribute__((noinline)) static int first_called_at_the_end(int n) { return n * 3 + 1; }

static void at_exit(void) {
  printf("at exit: %d\n", first_called_at_the_end(2));
  if (strcmp(how, "exit in handler") == 0)
    exit(8);
}

static void at_quick_exit_too(void) {
  printf("at quick exit: %d\n", first_called_at_the_end(3));
  fflush(stdout);
}

static int end(void) {
  if (strcmp(how, "exit") == 0)
    exit(3);
  if (strcmp(how, "_exit") == 0)
    _exit(4);
  if (strcmp(how, "quick_exit") == 0)
    quick_exit(5);
  if (strcmp(how, "abort") == 0)
    abort();
  if (strcmp(how, "signal") == 0)
    raise(SIGTERM);
  if (strcmp(how, "exit in library") == 0)
    errx(6, "a library's exit");
  return 7; // "return", "exit in handler"
}

static void *in_thread(void *unused) {
  (void)unused;
  exit(9);
}

static void *last_thread(void *main_thread) {
  pthread_join(*(pthread_t *)main_thread, NULL);
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t thread;
  static pthread_t self;
  how = argv[argc - 1];
  atexit(at_exit);
  at_quick_exit(at_quick_exit_too);
  make_compiler_busy();
  if (strcmp(how, "exit in thread") == 0) {
    pthread_create(&thread, NULL, in_thread, NULL);
    pthread_join(thread, NULL);
  }
  if (strcmp(how, "last thread") == 0) {
    self = pthread_self();
    pthread_create(&thread, NULL, last_thread, &self);
    pthread_exit(NULL);
  }
  return end();
}
