// Locks all memory: that it has, and that will come.
#include <stdio.h>
#include <sys/mman.h>

int main(void) {
  printf("%d\n", mlockall(MCL_CURRENT | MCL_FUTURE));
  printf("%d\n", mlockall(MCL_FUTURE));
  return 0;
}
