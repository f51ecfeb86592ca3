// Check variables of more than 256 MiB: zeros, of which few are touched, and constants.
#include <stdio.h>

static double grid[5000][6000];
static char plane[3][40 << 20];
static int marks[1 << 20] = {1, 2, 3};
static const char text[1 << 20] = "constants";

__attribute__((noinline)) static void fill(int n) {
  for (int i = 0; i < n; i++) {
    grid[i][(i * 7) % 6000] += i;
    plane[i % 3][(long)i * 8000] = (char)i;
    marks[i * 200] += i;
  }
}

int main(void) {
  double sum = 0;
  long bytes = 0;
  for (int round = 0; round < 3; round++)
    fill(1000);
  for (int i = 0; i < 1000; i++) {
    sum += grid[i][(i * 7) % 6000];
    bytes += plane[i % 3][(long)i * 8000] + marks[i * 200];
  }
  printf("%.0f %ld %s %d\n", sum, bytes, text, text[(1 << 20) - 1] + marks[2]);
  return grid[4999][5999] != 0;
}
