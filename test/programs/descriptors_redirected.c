// Check that redirections as a shell makes them work: files and pipes duplicated to chosen numbers, given to programs that
// are executed, and a daemon that closes everything and lives on descriptors 0 to 2 of its own.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned digest(const char *text, unsigned value) { return *text ? digest(text + 1, value * 31 + (unsigned char)*text) : value; }

static int spawn(const char *script, const int *numbers, int count) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < count; ++i)
      if (dup2(numbers[i], 3 + i) < 0)
        _exit(99);
    execl("/bin/sh", "sh", "-c", script, (char *)0);
    _exit(98);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return status;
}

static int daemon_of(int output) {
  if (dup2(output, 20) < 0)
    return 90;
  for (int number = 0; number < 1024; ++number)
    if (number != 20)
      close(number);
  int in = open("/dev/null", O_RDONLY), out = dup(20), log = dup(20);
  if (in != 0 || out != 1 || log != 2)
    return 91;
  for (int i = 0; i < 20; ++i)
    dprintf(i % 2 ? out : log, "line %d %u\n", i, digest("daemon", (unsigned)i));
  return 0;
}

static void show(int file) {
  char text[2048];
  ssize_t size = pread(file, text, sizeof text - 1, 0);
  text[size > 0 ? size : 0] = 0;
  printf("%zd bytes, %u\n%s", size, digest(text, 7), text);
}

int main(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  char name[] = "/tmp/redirectedXXXXXX";
  int file = fcntl(mkstemp(name), F_DUPFD, 10);
  unlink(name);
  dup2(file, 3); // `exec 3>file`
  for (int i = 0; i < 2 + scale / 20; ++i) {
    int pipe_ends[2];
    if (pipe(pipe_ends) != 0)
      return 1;
    int numbers[3] = {file, pipe_ends[1], file};
    printf("status %x\n", spawn("echo to the file >&3; echo $$ >/dev/null; echo to the pipe >&4; echo again >&5; exit 5", numbers, 3));
    close(pipe_ends[1]);
    char text[64] = {0};
    ssize_t size = read(pipe_ends[0], text, sizeof text - 1);
    printf("%zd %s", size, text);
    close(pipe_ends[0]);
  }
  if (write(3, "parent\n", 7) != 7)
    return 2;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0)
    exit(daemon_of(file));
  int status = -1;
  waitpid(child, &status, 0);
  printf("daemon %x, four is %s\n", status, fcntl(9, F_GETFD) < 0 && errno == EBADF ? "free" : "taken");
  show(file);
  return 0;
}
