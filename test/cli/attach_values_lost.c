// Assignments that nobody reads, in blocks that do nothing else: an optimiser takes the block away, and with it what debug information knew of
// the assignment. Static variables, which lie in memory.
#include "attach_values.h"

static int counted;

static int branches(int which) {
  static int times;
  static struct {
    short left;
    double right;
  } pair = {3, 0.5};
  int x = 1, kept = which * 3, late;
  FRAME();
  ++times;
  pair.right *= 2;
  SHOW("%d", which);
  SHOW("%d", kept);
  SHOW("%d", times);
  SHOW("%d", pair.left);
  SHOW("%.17g", pair.right);
  SHOW("%d", x);
  wait_here();
  if (which & 1)
    x = 2;
  late = 5;
  printf("  x %d\n  late 5\n", which & 1 ? 2 : 1);
  wait_here();
  switch (which) {
  case 1: x = 11; break;
  case 2: x = 12; break;
  }
  printf("  x %d\n", which == 1 ? 11 : which == 2 ? 12 : which & 1 ? 2 : 1);
  wait_here();
  for (x = 0; x < which + 5; ++x)
    if (x == 3)
      late = x;
  printf("  x %d\n  late 3\n", which + 5);
  wait_here();
  x = which > 1 ? kept : -kept;
  printf("  x %d\n", which > 1 ? kept : -kept);
  wait_here();
  printf("leave\n");
  return which + times + kept;
}

static void merged(int which) {
  FRAME();
  SHOW("%d", which);
  if (which & 1) {
    counted += 3;
    wait_here();
  } else {
    counted += 4;
    wait_here();
  }
}

int main(void) {
  long sum = 0;
  printf("ready\n");
  FRAME();
  for (int round = 0; round < 4; ++round) {
    SHOW("%d", round);
    SHOW("%ld", sum);
    sum += branches(round);
    SHOW("%ld", sum);
    merged(round);
    printf("leave\n");
  }
  LEAVE();
  printf("sum %ld\n", sum + counted);
  return 0;
}
