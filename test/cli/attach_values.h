// How a program tells a test what its variables are: each function says so before it calls anything, and the deepest one waits.
#pragma once

#include <stdio.h>

#define FRAME() printf("frame %s\n", __func__)
#define LEAVE() printf("leave\n")
#define SHOW(format, variable) printf("  " #variable " " format "\n", variable)

#define SHOW_ADDRESS(variable) printf("  " #variable " %p\n", (void *)(variable))

/// Returns when the test has looked.
__attribute__((noinline)) static int wait_here(void) {
  printf("wait\n");
  fflush(stdout);
  return fgetc(stdin);
}
