// Check that a pinned function is named with its reason when its replacement is asked for.
#include <setjmp.h>
#include <stdio.h>

static jmp_buf place;

__attribute__((noinline)) void catcher(void) {
  if (setjmp(place) == 0)
    longjmp(place, 1);
  puts("caught");
}

int main(void) {
  catcher();
  return 0;
}
