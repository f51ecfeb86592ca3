// Objects in memory that are larger than a few words, of which single parts are written at their beginning: all of each is known.
#include "attach_values.h"

#include <string.h>

struct machine {
  long first, stack[3];
  int top;
  char tag[6];
};

__attribute__((noinline)) static void run(struct machine *machine, int value) {
  FRAME();
  SHOW("%d", value);
  machine->top = value * 7;
  machine->stack[1] += value;
  wait_here();
  LEAVE();
}

__attribute__((noinline)) static long begins_with_parts(int value) {
  struct machine machine = {.tag = "vmtag"}; // all of it is zero, and then some bytes are written
  machine.first = value;
  FRAME();
  SHOW("%ld", machine.first);
  SHOW("%ld", machine.stack[0]);
  SHOW("%ld", machine.stack[2]);
  SHOW("%d", machine.tag[0]);
  SHOW("%d", machine.tag[4]);
  SHOW("%d", machine.tag[5]);
  printf("  machine.top %d\n", (value + 1) * 7); // as it is when the callee waits
  run(&machine, value + 1);
  LEAVE();
  return machine.first + machine.top + machine.stack[1] + machine.tag[1];
}

__attribute__((noinline)) static unsigned long sum_of(const void *bytes, size_t size) {
  unsigned long sum = 0;
  for (size_t i = 0; i < size; ++i)
    sum = sum * 31 + ((const unsigned char *)bytes)[i];
  return sum;
}

__attribute__((noinline)) static unsigned long copies_and_fills(int value) {
  struct machine one = {value, {2, 3, 4}, 5, "one"}, other = one;
  char text[64] = "hello", empty[40] = {0};
  long numbers[8];
  memset(numbers, 0, sizeof numbers);
  for (int i = 0; i < 8; ++i)
    numbers[i] += i * value;
  other.stack[1] = 77;
  other.tag[0] = (char)('a' + value);
  empty[value] = 9;
  FRAME();
  SHOW("%ld", one.first);
  SHOW("%ld", one.stack[1]);
  SHOW("%d", one.tag[0]);
  SHOW("%ld", other.first);
  SHOW("%ld", other.stack[1]);
  SHOW("%ld", other.stack[2]);
  SHOW("%d", other.top);
  SHOW("%d", other.tag[0]);
  SHOW("%d", other.tag[1]);
  SHOW("%d", text[1]);
  SHOW("%d", text[63]);
  SHOW("%d", empty[3]);
  SHOW("%d", empty[39]);
  SHOW("%ld", numbers[7]);
  wait_here();
  LEAVE();
  return sum_of(&one, sizeof one) + sum_of(&other, sizeof other) + sum_of(text, sizeof text) +
         sum_of(empty, sizeof empty) + sum_of(numbers, sizeof numbers);
}

int main(void) {
  printf("begins\n");
  FRAME();
  unsigned long sum = 0;
  for (int i = 0; i < 6; ++i)
    sum = sum * 31 + (unsigned long)begins_with_parts(i) + copies_and_fills(i);
  LEAVE();
  printf("sum %lu\n", sum);
}
