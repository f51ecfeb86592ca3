// Check that children which become other programs do so whatever is asked of their threads at that moment, by each of the
// calls that do it, and that a call which fails leaves the program as it was.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
int execvpe(const char *file, char *const arguments[], char *const environment[]);
int execveat(int folder, const char *path, char *const arguments[], char *const environment[], int flags);

static unsigned work(unsigned rounds, unsigned value) {
  for (unsigned i = 0; i < rounds; ++i)
    value = value * 1664525u + 1013904223u + (value >> 13);
  return value;
}

static void become(unsigned way, char *const *arguments) {
  char *const nothing[] = {(char *)"ANSWER=42", 0};
  switch (way) {
  case 0: execve("/bin/sh", arguments, environ); break;
  case 1: execv("/bin/sh", arguments); break;
  case 2: execvp("sh", arguments); break;
  case 3: execvpe("sh", arguments, nothing); break;
  case 4: execl("/bin/sh", arguments[0], arguments[1], arguments[2], (char *)0); break;
  case 5: execlp("sh", arguments[0], arguments[1], arguments[2], (char *)0); break;
  case 6: execle("/bin/sh", arguments[0], arguments[1], arguments[2], (char *)0, nothing); break;
  case 7: fexecve(open("/bin/sh", O_RDONLY | O_CLOEXEC), arguments, nothing); break;
  case 8: execveat(AT_FDCWD, "/bin/sh", arguments, nothing, 0); break;
  default: syscall(SYS_execve, "/bin/sh", arguments, nothing);
  }
  _exit(100);
}

/// Tries what fails first.
static int child(unsigned way, unsigned seed) {
  char *const arguments[] = {(char *)"sh", (char *)"-c", (char *)"exit $((ANSWER + 3))", 0};
  unsigned failed = 0;
  for (unsigned i = 0; i < 5; ++i) {
    char *const none[] = {0};
    seed = work(20, seed);
    failed += execv("/nowhere/at/all", none) == -1 && errno == ENOENT;
    failed += execl("/", "x", (char *)0) == -1 && errno == EACCES;
    failed += syscall(SYS_execve, "/nowhere/at/all", none, none) == -1 && errno == ENOENT;
  }
  if (failed != 15)
    return 99;
  if (work(200 + seed % 999, seed) != 1 && way < 10)
    become(way, arguments);
  return 98;
}

int main(int argc, char **argv) {
  int rounds = 10 + (argc > 1 ? atoi(argv[1]) : 100) / 2;
  unsetenv("ANSWER");
  printf("%d\n", child(10, 0)); // compiled here, and not in each child
  for (int i = 0; i < rounds; ++i) {
    pid_t of = fork();
    if (of == 0)
      _exit(child((unsigned)i % 10, (unsigned)i));
    int status = -1;
    waitpid(of, &status, 0);
    printf("%d: %x\n", i % 10, status);
  }
  return 0;
}
