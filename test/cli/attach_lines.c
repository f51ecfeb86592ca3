// Answers each line of its input from a loop that ends with the input: it waits deep in a call, most of the time.
#include <stdio.h>
#include <string.h>

static char line[4096];
static int lines;

__attribute__((noinline)) int next_line(void) {
  if (!fgets(line, sizeof line, stdin))
    return 0;
  ++lines;
  return 1;
}

__attribute__((noinline)) unsigned checksum(const char *text) {
  unsigned sum = 7;
  for (; *text && *text != '\n'; ++text)
    sum = sum * 31 + (unsigned char)*text;
  return sum;
}

__attribute__((noinline)) unsigned answer_lines(unsigned seed) {
  unsigned total = seed;
  while (next_line()) {
    unsigned sum = checksum(line);
    total = total * 3 + sum;
    printf("%d %u %u\n", lines, sum, total);
    fflush(stdout);
  }
  return total;
}

int main(int argc, char **argv) {
  printf("ready\n");
  fflush(stdout);
  return (int)(answer_lines((unsigned)argc) % 50);
}
