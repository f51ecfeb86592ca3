// An interpreter with a list of frames: structures by value and by pointer, a switch in a loop, variables that are parts of others.
#include "attach_values.h"

#include <stdlib.h>
#include <string.h>

typedef unsigned char byte;
typedef struct {
  long left, right;
} pair;
typedef struct frame {
  struct frame *older;
  const byte *code;
  long stack[4];
  unsigned char top;
} frame;

enum { Push, Add, Swap, Call, Wait, Return };

static frame *enter(frame *older, const byte *code) {
  frame *made = calloc(1, sizeof *made);
  made->older = older;
  made->code = code;
  return made;
}

static pair swapped(pair from) {
  pair result = {from.right, from.left};
  FRAME();
  SHOW("%ld", from.left);
  SHOW("%ld", from.right);
  SHOW("%ld", result.left);
  SHOW("%ld", result.right);
  wait_here();
  LEAVE();
  return result;
}

__attribute__((noinline)) static long run(const byte *code, long start, unsigned limit) {
  static const byte callee[] = {Push, 5, Add, Wait, 0, Return};
  frame *now = enter(0, code);
  unsigned steps = 0;
  long result = start;
  now->stack[now->top++] = start;
  FRAME();
  SHOW_ADDRESS(code);
  SHOW("%ld", start);
  SHOW("%u", limit);
  while (now) {
    byte instruction = *now->code++;
    ++steps;
    switch (instruction) {
    case Push: now->stack[now->top++] = *now->code++; break;
    case Add: {
      long other = now->stack[--now->top];
      now->stack[now->top - 1] += other;
      break;
    }
    case Swap: {
      pair both = {now->stack[now->top - 2], now->stack[now->top - 1]};
      SHOW("%ld", both.left);
      SHOW("%ld", both.right);
      SHOW("%u", steps);
      SHOW("%d", instruction);
      SHOW_ADDRESS(now);
      SHOW("%ld", result);
      both = swapped(both);
      now->stack[now->top - 2] = both.left;
      now->stack[now->top - 1] = both.right;
      break;
    }
    case Call: {
      frame *called = enter(now, callee);
      called->stack[called->top++] = result + *now->code++;
      now = called;
      break;
    }
    case Wait: {
      int mark = *now->code++;
      SHOW("%d", mark);
      SHOW("%u", steps);
      SHOW("%d", instruction);
      SHOW_ADDRESS(now);
      SHOW("%ld", result);
      result += wait_here() + mark;
      break;
    }
    case Return: {
      frame *older = now->older;
      result += now->stack[now->top - 1];
      free(now);
      now = older;
      break;
    }
    }
    if (steps > limit)
      abort();
  }
  LEAVE();
  return result;
}

int main(int argc, char **argv) {
  static const byte program[] = {Push, 7, Wait, 1, Swap, Call, 3, Add, Wait, 2, Call, 4, Push, 9, Swap, Return};
  printf("ready\n");
  FRAME();
  SHOW("%d", argc);
  char name[16];
  strcpy(name, "machine");
  long first = run(program, argc, 100);
  SHOW("%ld", first);
  long second = run(program, first, 200);
  LEAVE();
  printf("sum %ld %s\n", first * 3 + second, name);
  return 0;
}
