// Variables of all types that are shown, at sites in nested scopes, in loops and in recursion; some are dead at some sites.
#include "attach_values.h"

#include <stdbool.h>

enum colour { red = -1, green, blue = 7 };
struct point {
  short x, y;
  double weight;
  unsigned low : 3, high : 5;
  const char *label;
};
static const char *const label = "a label";
static int changed_from_outside;
static int *outside = &changed_from_outside;

__attribute__((noinline)) void set(int *where, int value) { *where = value; }
__attribute__((noinline)) void remember(int *where) { outside = where; }
__attribute__((noinline)) void set_remembered(int value) { *outside = value; }
__attribute__((noinline, const)) int twice(int value) { return value * 2; }

static long scalars(signed char a, unsigned char b, short c, unsigned short d, int e, unsigned f, long g, unsigned long h) {
  bool yes = a < 0, no = b == 0;
  float single = (float)e / 3;
  double number = g * 1.5;
  enum colour colour = yes ? blue : red;
  char letter = 'a' + (b & 7);
  const char *text = label + (c & 1);
  FRAME();
  SHOW("%d", a);
  SHOW("%d", b);
  SHOW("%d", c);
  SHOW("%d", d);
  SHOW("%d", e);
  SHOW("%u", f);
  SHOW("%ld", g);
  SHOW("%lu", h);
  SHOW("%d", yes);
  SHOW("%d", no);
  SHOW("%.9g", single);
  SHOW("%.17g", number);
  SHOW("%d", colour);
  SHOW("%d", letter);
  SHOW_ADDRESS(text);
  int read = wait_here();
  SHOW("%d", read);
  wait_here();
  LEAVE();
  return a + b + c + d + e + f + g + h + yes * 3 + no + (long)(single * 100) + (long)number + colour + letter + text[0] + read;
}

/// What is changed by others while its address is theirs.
static int in_memory(int start) {
  int mine = start, theirs = start + 1, kept = start + 2;
  struct point point = {(short)start, 9, start / 4.0, 5, 17, label};
  int list[5] = {start, 2, 3};
  FRAME();
  set(&mine, start * 3);
  remember(&theirs);
  set_remembered(start * 5);
  SHOW("%d", start);
  SHOW("%d", mine);
  SHOW("%d", theirs);
  SHOW("%d", kept);
  SHOW("%d", point.x);
  SHOW("%.17g", point.weight);
  SHOW("%d", point.low);
  SHOW("%d", point.high);
  SHOW("%d", list[0]);
  wait_here();
  kept = 1;
  kept = twice(start); // what was assigned before is dead
  point.y = -3;
  list[4] = mine;
  theirs += kept;
  SHOW("%d", theirs);
  SHOW("%d", kept);
  SHOW("%d", point.y);
  SHOW("%d", list[4]);
  wait_here();
  LEAVE();
  remember(&changed_from_outside);
  return mine + theirs + kept + point.x + point.y + (int)point.weight + point.low + list[4] + list[1];
}

static int in_loops(int rounds) {
  int total = 0, last = -1;
  FRAME();
  SHOW("%d", rounds);
  for (int i = 0; i < rounds; ++i) {
    int square = i * i;
    SHOW("%d", i);
    SHOW("%d", square);
    SHOW("%d", total);
    SHOW("%d", last);
    if (i % 2) {
      int total = i + 100; // another one
      total += wait_here() & 1;
      last = total;
    } else {
      last = wait_here() + square;
    }
    total += square;
  }
  LEAVE();
  return total * 7 + last;
}

__attribute__((noinline)) static long deeper(int depth, long sum) {
  long before = sum * 3;
  FRAME();
  SHOW("%d", depth);
  SHOW("%ld", sum);
  SHOW("%ld", before);
  if (depth == 0) {
    wait_here();
    LEAVE();
    return before;
  }
  long result = deeper(depth - 1, sum + depth);
  LEAVE();
  return result + before + depth;
}

int main(int argc, char **argv) {
  printf("ready\n");
  long sum = 0;
  FRAME();
  for (int round = 0; round < 2; ++round) {
    SHOW("%d", argc);
    SHOW("%d", round);
    SHOW("%ld", sum);
    sum += scalars(-3 + round, 200, -300, 60000, -70000 + round, 4000000000u, -5000000000l, 1ul << 63);
    SHOW("%ld", sum);
    sum += in_memory(40 + round);
    SHOW("%ld", sum);
    sum += in_loops(4);
    SHOW("%ld", sum);
    sum += deeper(3, round);
  }
  LEAVE();
  printf("sum %ld\n", sum);
  return 0;
}
