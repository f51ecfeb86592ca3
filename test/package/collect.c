/* A collector in C that moves all objects at each allocation: a list of a hundred, summed while garbage is made. */
#include "osr-c/osr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef struct node {
  struct node *next; /* with the lowest bit set: where the object is now */
  int64_t value;
} node;

enum { space_bytes = 1 << 16 };

static osr_runtime *runtime;
static char *space;
static size_t used;
static unsigned collections, longest_stack;

static void check(char *message) {
  if (message) {
    fprintf(stderr, "%s\n", message);
    exit(1);
  }
}

static char *map(void) { return mmap(NULL, space_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }

static node *moved(node *old) {
  if (!old)
    return NULL;
  if ((uintptr_t)old->next & 1)
    return (node *)((uintptr_t)old->next - 1);
  node *new = (node *)(space + used);
  used += sizeof(node);
  *new = *old;
  old->next = (node *)((uintptr_t)new + 1);
  return new;
}

static void move(void **root, unsigned address_space, void *context) {
  (void)context;
  if (address_space == 1)
    *root = moved(*root);
}

static void collect(osr_safepoint *safepoint, void *context) {
  (void)context;
  char *old = space;
  space = map();
  used = 0;
  osr_visit_roots(safepoint, move, NULL);
  for (size_t scanned = 0; scanned < used; scanned += sizeof(node)) {
    node *at = (node *)(space + scanned);
    at->next = moved(at->next);
  }
  munmap(old, space_bytes);
  ++collections;
}

static int count(const osr_activation *activation, void *context) {
  if (activation->has_point && activation->point == 7 && activation->value_count == 1)
    ++*(unsigned *)context;
  return 1;
}

static void *allocate(void) {
  check(osr_at_safepoint(runtime, 1, 10000, collect, NULL));
  unsigned seen = 0;
  check(osr_for_each_activation(runtime, count, &seen));
  longest_stack = seen > longest_stack ? seen : longest_stack;
  node *new = (node *)(space + used);
  used += sizeof(node);
  return new;
}

static const char *program =
    "declare ptr addrspace(1) @allocate()\n"
    "define ptr addrspace(1) @list(i64 %n, ptr addrspace(1) %tail) {\n"
    "  %end = icmp eq i64 %n, 0\n"
    "  br i1 %end, label %done, label %more\n"
    "more:\n"
    "  %new = call ptr addrspace(1) @allocate() [\"deopt\"(i64 7, i64 %n)]\n"
    "  store ptr addrspace(1) %tail, ptr addrspace(1) %new\n"
    "  %field = getelementptr i64, ptr addrspace(1) %new, i64 1\n"
    "  store i64 %n, ptr addrspace(1) %field\n"
    "  %less = sub i64 %n, 1\n"
    "  %all = call ptr addrspace(1) @list(i64 %less, ptr addrspace(1) %new) [\"deopt\"(i64 7, i64 %n)]\n"
    "  %back = load i64, ptr addrspace(1) %field\n"
    "  %same = icmp eq i64 %back, %n\n"
    "  %result = select i1 %same, ptr addrspace(1) %all, ptr addrspace(1) null\n"
    "  ret ptr addrspace(1) %result\n"
    "done:\n"
    "  ret ptr addrspace(1) %tail\n"
    "}\n";

int main(void) {
  const unsigned reference_space = 1;
  const osr_options options = {sizeof(osr_options), OSR_TIER_OPTIMIZED, &reference_space, 1};
  space = map();
  check(osr_create_with(&options, &runtime));
  check(osr_define(runtime, "allocate", (uint64_t)(uintptr_t)&allocate));
  check(osr_add_ir(runtime, program, strlen(program), "list", NULL));
  check(osr_attach_thread());
  uint64_t list;
  check(osr_lookup(runtime, "list", &list));
  int64_t sum = 0;
  for (node *at = (node *)(uintptr_t)osr_call(list, 100, 0, 0); at; at = at->next)
    sum += at->value;
  printf("sum %ld, %u collections, %u activations\n", (long)sum, collections, longest_stack);
  osr_detach_thread();
  check(osr_close(runtime));
  return 0;
}
