// Check that a program gets the versions of symbols that it asks for, in assembly outside of functions and in them: older ones of the C
// library's functions and variables, also of those that the runtime puts its own in the place of, and of what it defines itself as a
// library would.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VERSION(name, versioned) __asm__(".symver " #name ", " #versioned)
VERSION(first_realpath, realpath@GLIBC_2.2.5); // does not take a null pointer for the result
VERSION(first_create, pthread_create@GLIBC_2.2.5);
VERSION(first_environment, environ@GLIBC_2.2.5);
__asm__("\t.symver memcpy,memcpy@GLIBC_2.2.5; .symver half_of, half@@HERE_2\n\t.symver half_before,half@HERE_1");
extern char *first_realpath(const char *, char *), **first_environment;
extern int first_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
extern void first_sort(void *, size_t, size_t, int (*)(const void *, const void *));
extern long half(long);

/* Assembly that defines what it gives a version. */
extern long twice(long);
__asm__("\t.text\n\t.p2align 4\n\t.type twice, @function\ntwice:\n\tleaq (%rdi,%rdi), %rax\n\tret\n\t.size twice, .-twice\n"
        "\t.symver twice, double@@HERE_1");

static long steps;
__attribute__((noinline)) static long step(long by) { return steps += by; }

long half_of(long n) {
  step(1);
  return n / 2;
}
long half_before(long n) {
  step(2);
  return n / 2 - 1;
}

static int compare(const void *a, const void *b) {
  step(1);
  return *(const int *)a - *(const int *)b;
}

static void *in_thread(void *argument) {
  long sum = 0;
  for (long n = (long)argument; n > 0; n = half(n)) {
    step(n);
    sum += n;
  }
  return (void *)sum;
}

__attribute__((noinline)) static int copied(const char *text) {
  char room[32] = "";
  void *(*volatile copy)(void *, const void *, size_t) = memcpy;
  copy(room, text, strlen(text));
  return strcmp(room, text);
}

int main(void) {
  char *none = first_realpath("/", NULL);
  printf("%d %d\n", none == NULL, errno == EINVAL);
  char *(*volatile now)(const char *, char *) = realpath;
  char *root = now("/", NULL);
  printf("%s %d\n", root, (void *)now == (void *)first_realpath);
  free(root);
  printf("%d\n", first_environment == environ);
  for (long n = 40; n < 44; n++) {
    pthread_t thread;
    void *result;
    first_create(&thread, NULL, in_thread, (void *)n);
    pthread_join(thread, &result);
    printf("%ld %ld %ld\n", (long)result, half(n), half_before(n));
  }
  __asm__ volatile(".symver first_sort, qsort@GLIBC_2.2.5");
  int list[] = {5, 3, 9, 1, 7, 2};
  first_sort(list, 6, sizeof *list, compare);
  printf("%d %d %d\n", list[0], list[5], copied("a version of memcpy"));
  printf("%ld %ld\n", steps, twice(4));
  return 3;
}
