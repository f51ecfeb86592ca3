// Check that every descriptor number is the program's: it closes all, gets the lowest ones for a file of its own, forks,
// has functions compiled and freed meanwhile, and finds position and content of the file as it left them.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { block = 4096, blocks = 64 };

static int depth_of(int n) { return n == 0 ? 0 : 1 + depth_of(n / 2); }

static unsigned mix(unsigned value, int rounds) {
  for (int i = 0; i < rounds; ++i)
    value = value * 1664525u + (unsigned)depth_of(i) + 1013904223u;
  return value;
}

static void fill(unsigned char *page, int number) {
  unsigned value = (unsigned)number;
  for (int i = 0; i < block; ++i)
    page[i] = (unsigned char)((value = value * 1103515245u + 12345u) >> 16 | 1); // no zero: a hole would show
}

static int wrong_bytes(int file) {
  unsigned char wanted[block], found[block];
  int wrong = 0;
  for (int number = 0; number < blocks; ++number) {
    fill(wanted, number);
    if (pread(file, found, block, (off_t)number * block) != block)
      return -1;
    for (int i = 0; i < block; ++i)
      wrong += wanted[i] != found[i];
  }
  return wrong;
}

static int in_child(int file, int round) {
  char token[8] = {0};
  if (read(file, token, 4) != 4)
    return 100;
  return (int)(mix((unsigned)(unsigned char)token[3], round) % 50);
}

int main(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  int open_now = 0;
  for (int number = 0; number < 1024; ++number)
    open_now += fcntl(number, F_GETFD) >= 0;
  printf("%d are open\n", open_now);
  for (int number = 3; number < 256; ++number)
    close(number);
  char name[] = "/tmp/descriptorsXXXXXX";
  int files[6];
  files[0] = mkstemp(name);
  unlink(name);
  for (int i = 1; i < 6; ++i)
    files[i] = dup(files[0]);
  printf("%d to %d\n", files[0], files[5]);
  unsigned char page[block];
  for (int number = 0; number < blocks; ++number) {
    fill(page, number);
    if (write(files[number % 6], page, block) != block)
      return 1;
  }
  lseek(files[0], 0, SEEK_SET);
  for (int round = 0; round < 6 + scale / 4; ++round) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
      exit(in_child(files[round % 6], round));
    int status = -1;
    waitpid(child, &status, 0);
    printf("%x at %ld, %u\n", status, (long)lseek(files[0], 0, SEEK_CUR), mix((unsigned)round, 200));
  }
  struct stat about;
  fstat(files[0], &about);
  printf("%ld bytes, %d wrong, all there: %d\n", (long)about.st_size, wrong_bytes(files[0]),
         about.st_blocks * 512 >= about.st_size);
  return 0;
}
