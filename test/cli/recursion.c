// Check that a debugger names every function of a mutual recursion whose frames are all to be replaced.
#include <stdio.h>
#include <stdlib.h>

__attribute__((noinline)) int ping(int depth);

__attribute__((noinline)) int bottom(void) { return puts("bottom") >= 0; }

__attribute__((noinline)) int pong(int depth) { return ping(depth - 1) * 2 + depth; }

__attribute__((noinline)) int ping(int depth) { return (depth > 0 ? pong(depth - 1) : bottom()) * 3 + depth; }

int main(void) { return printf("%d\n", ping(6)) < 0; }
