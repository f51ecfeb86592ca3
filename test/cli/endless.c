// Check that a program that writes to a closed pipe ends by SIGPIPE, or goes on if it ignores the signal.
#include <signal.h>
#include <stdio.h>

int main(int argc, char **argv) {
  if (argc > 1)
    signal(SIGPIPE, SIG_IGN);
  while (puts("a line") >= 0)
    ;
  return 11;
}
