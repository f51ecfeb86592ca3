// For programs that end while the compiler is at work. The test adds `long_function`, which takes long to optimise, and
// sets BUSY where there is a compiler.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned table[16];
__attribute__((noinline)) static unsigned next(unsigned i) { return table[i]++; }

__attribute__((noinline)) static unsigned long_function(unsigned n) {
  unsigned x = n, y = 1;
  for (unsigned i = 0; i < n; i++)
    switch ((x >> 3) % CASES) {
#include "long_function.inc"
    }
  return x ^ y;
}

/// Clock ticks that the thread has used, if it is one that optimises.
static long ticks_of_compiler(const char *thread) {
  char path[300], name[32] = "";
  long user = 0;
  snprintf(path, sizeof path, "/proc/self/task/%s/stat", thread);
  FILE *stat = fopen(path, "r");
  if (!stat)
    return 0;
  const int found = fscanf(stat, "%*d (%31[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld", name, &user);
  fclose(stat);
  return found == 2 && strcmp(name, "osr compile") == 0 ? user : 0;
}

static int is_compiling(void) {
  enum { TICKS = 3 };
  int result = 0;
  DIR *threads = opendir("/proc/self/task");
  for (struct dirent *entry; (entry = readdir(threads));)
    result |= entry->d_name[0] != '.' && ticks_of_compiler(entry->d_name) >= TICKS;
  closedir(threads);
  return result;
}

/// Returns in the middle of that function's compile.
static void make_compiler_busy(void) {
  printf("%u\n", long_function(3000));
  fflush(stdout);
  while (getenv("BUSY") && !is_compiling()) {
  }
}
