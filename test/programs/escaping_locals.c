// Check that addresses of locals that escape to other frames stay valid and aligned when those frames are replaced.
//
// Out-parameters, structs shared between levels, lists whose nodes are locals of recursive calls, pointers from a
// global to a local, locals that need 32, 64 and 128 byte alignment.

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

// Out-parameters of several types, written after further calls.
static int gcd_extended(int a, int b, int *x, int *y) {
  if (b == 0) {
    *x = 1;
    *y = 0;
    return a;
  }
  int inner_x, inner_y;
  int gcd = gcd_extended(b, a % b, &inner_x, &inner_y);
  *x = inner_y;
  *y = inner_x - a / b * inner_y;
  return gcd;
}

static void split(double value, int *whole, double *part, bool *negative, char *first_digit) {
  *negative = value < 0;
  if (*negative) {
    split(-value, whole, part, &(bool){false}, first_digit);
    return;
  }
  *whole = (int)value;
  *part = value - *whole;
  char text[16];
  snprintf(text, sizeof text, "%d", *whole);
  *first_digit = text[0];
}

// A list of path nodes, one per recursive frame; leaves read it and even change it.
struct path {
  struct path *parent;
  int choice;
  int uses;
};

struct search {
  unsigned leaves;
  uint32_t hash;
  struct path *longest;
};

static void read_path(struct search *search, struct path *path) {
  search->leaves++;
  for (struct path *p = path; p; p = p->parent) {
    search->hash = search->hash * 31 + (uint32_t)p->choice;
    p->uses++;
  }
}

static int explore(struct search *search, struct path *parent, int depth) {
  struct path here = {parent, 0, 0};
  if (depth == 0) {
    read_path(search, parent);
    return 1;
  }
  int below = 0;
  for (here.choice = 0; here.choice < 3; here.choice++) {
    if (parent && parent->choice == here.choice)
      continue;
    below += explore(search, &here, depth - 1);
  }
  return here.uses == below ? below : -1000;
}

// A global that points to a local of an older frame, as interpreters do with their frames.
static struct context {
  struct context *outer;
  int variable[4];
} *current_context;

static int *find_variable(int hops, int index) {
  struct context *at = current_context;
  while (hops-- > 0 && at->outer)
    at = at->outer;
  return &at->variable[index & 3];
}

static int run_in_context(int depth) {
  struct context mine = {current_context, {depth, depth * 2, 1, 0}};
  current_context = &mine;
  *find_variable(depth % 5, depth) += depth;
  int result = depth > 0 ? run_in_context(depth - 1) : 0;
  *find_variable(0, 3) += result & 7;
  result += mine.variable[0] - mine.variable[1] + mine.variable[2] * 3 + mine.variable[3];
  current_context = mine.outer;
  return result;
}

// Over-aligned locals of several sizes in one frame, checked before and after calls that use the stack.
struct cache_line {
  alignas(64) uint32_t word[16];
};

static unsigned misaligned(uintptr_t address, uintptr_t alignment) { return address % alignment != 0; }

static void mix(struct cache_line *line, const unsigned char *bytes, int count) {
  for (int i = 0; i < count; i++)
    line->word[i & 15] = line->word[i & 15] * 33 + bytes[i];
}

static unsigned aligned_frames(int depth, char odd_sized, uint32_t *hash) {
  alignas(32) unsigned char small[24];
  char unaligned_neighbour = (char)(odd_sized + 1);
  struct cache_line line;
  alignas(128) unsigned char page[200];
  unsigned bad = misaligned((uintptr_t)small, 32) + misaligned((uintptr_t)&line, 64) + misaligned((uintptr_t)page, 128);

  memset(small, depth, sizeof small);
  memset(&line, 0, sizeof line);
  for (int i = 0; i < 200; i++)
    page[i] = (unsigned char)(i * depth);
  mix(&line, small, 24);
  if (depth > 0)
    bad += aligned_frames(depth - 1, unaligned_neighbour, hash);
  mix(&line, page, 200);
  bad += misaligned((uintptr_t)small, 32) + misaligned((uintptr_t)&line, 64) + misaligned((uintptr_t)page, 128);
  *hash = *hash * 131 + line.word[depth & 15] + (uint32_t)unaligned_neighbour + small[depth % 24];
  return bad;
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  uint32_t hash = 1;
  unsigned bad = 0;

  for (int i = 0; i < 10 * scale; i++) {
    int x, y, whole;
    double part;
    bool negative;
    char first;
    int a = 1000 + i * 37 % 4001, b = 1 + i * 91 % 2003;
    int gcd = gcd_extended(a, b, &x, &y);
    bad += a * x + b * y != gcd;
    split((i - 5) * 1.25, &whole, &part, &negative, &first);
    hash = hash * 31 + (uint32_t)(gcd + x * 3 + y * 5 + whole * 7 + negative) + (uint32_t)(part * 64) + (uint32_t)first;
  }
  printf("out-parameters: hash %08x, wrong %u\n", hash, bad);

  struct search search = {0, 1, NULL};
  int leaves = explore(&search, NULL, scale < 20 ? 7 : 13);
  printf("paths: %d leaves, %u read, hash %08x\n", leaves, search.leaves, search.hash);

  int total = 0;
  for (int i = 0; i < scale; i++)
    total = (total + run_in_context(20 + i % 30)) & 0xffffff;
  printf("contexts: %d, all left: %d\n", total, current_context == NULL);

  hash = 1;
  for (int i = 0; i < scale; i++)
    bad += aligned_frames(5 + i % 20, (char)(i % 50), &hash);
  printf("aligned: hash %08x, misaligned or wrong %u\n", hash, bad);
  return bad != 0;
}
