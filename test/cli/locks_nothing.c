// Says what the process asks the C library to lock, and locks nothing.
#include <stdio.h>
#include <sys/mman.h>

int mlockall(int flags) {
  fprintf(stderr, "%s%s%s\n", flags & MCL_CURRENT ? "what is there " : "", flags & MCL_FUTURE ? "what comes " : "",
          flags & MCL_ONFAULT ? "once touched" : "at once");
  return 0;
}
