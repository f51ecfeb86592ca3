// Check that a program may define exit, atexit and abort itself.
#include <stdio.h>
#include <unistd.h>

static int registered;

int atexit(void (*handler)(void)) {
  ++registered;
  return handler == 0;
}

void abort(void) {
  printf("own abort\n");
  fflush(stdout);
  _exit(9);
}

void exit(int status) {
  printf("own exit: status %d, %d registered\n", status, registered);
  fflush(stdout);
  abort();
}

static void never_called(void) { printf("never called\n"); }

int main(int argc, char **argv) {
  atexit(never_called);
  if (argc > 1)
    exit(4);
  return 8;
}
