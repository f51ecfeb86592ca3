// Check that frames of libc between program frames do not stop a replacement.
//
// Callbacks run from qsort, qsort_r, bsearch, tsearch, twalk, tdelete, tdestroy, lfind and atexit. The callbacks
// call on into the program several levels deep, so a walk meets program frames, then frames of libc, then program
// frames again, and all of the program's frames may be replaced.

#define _GNU_SOURCE
#include <search.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

struct person {
  char name[12];
  int age;
  uint32_t key;
};

static uint32_t next_random(uint32_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return *state;
}

static void make_people(struct person *people, int count) {
  static const char *const syllables[] = {"ka", "ro", "mi", "ten", "lu", "vas", "eo", "da"};
  uint32_t state = 2463534242u;
  for (int i = 0; i < count; i++) {
    uint32_t r = next_random(&state);
    snprintf(people[i].name, sizeof people[i].name, "%s%s%s", syllables[r & 7], syllables[r >> 3 & 7],
             syllables[r >> 6 & 7]);
    people[i].age = 18 + (int)(r >> 10) % 60;
    people[i].key = (uint32_t)i * 7919u % 65536u;
  }
}

// A comparison in several layers: qsort -> by_name -> compare_text (recursive) -> compare_letters.
static int compare_letters(int a, int b) { return (a > b) - (a < b); }

static int compare_text(const char *a, const char *b) {
  int order = compare_letters(*a, *b);
  return order || !*a ? order : compare_text(a + 1, b + 1);
}

static int compare_people(const struct person *a, const struct person *b) {
  int order = compare_text(a->name, b->name);
  if (!order)
    order = compare_letters(a->age, b->age);
  return order ? order : (a->key > b->key) - (a->key < b->key);
}

static int by_name(const void *a, const void *b) { return compare_people(a, b); }

static int by_pointed_key(const void *a, const void *b) {
  const struct person *const *left = a, *const *right = b;
  return (*left)->key < (*right)->key ? -1 : (*left)->key > (*right)->key;
}

// A comparator that itself sorts: qsort within qsort.
static int by_int(const void *a, const void *b) { return compare_letters(*(const int *)a, *(const int *)b); }

static int median(const int values[5]) {
  int copy[5];
  memcpy(copy, values, sizeof copy);
  qsort(copy, 5, sizeof copy[0], by_int);
  return copy[2];
}

static int by_median(const void *a, const void *b) {
  int order = compare_letters(median(a), median(b));
  return order ? order : memcmp(a, b, 5 * sizeof(int));
}

static int by_key_with_context(const void *a, const void *b, void *context) {
  uint32_t mask = *(const uint32_t *)context;
  uint32_t left = ((const struct person *)a)->key ^ mask, right = ((const struct person *)b)->key ^ mask;
  return left < right ? -1 : left > right;
}

static struct {
  uint32_t hash;
  int nodes, depth;
} walk;

static void visit_node(const void *node, VISIT order, int level) {
  const struct person *p = *(const struct person *const *)node;
  if (order != postorder && order != leaf)
    return;
  walk.nodes++;
  walk.depth += level >= 0;
  for (const char *c = p->name; *c; c++)
    walk.hash = walk.hash * 33 + (uint32_t)*c;
  walk.hash ^= p->key;
}

static void forget_node(void *node) { walk.nodes -= compare_text(((struct person *)node)->name, "") > 0; }

static int key_is(const void *key, const void *element) {
  return *(const uint32_t *)key != ((const struct person *)element)->key;
}

static int exits_seen;
static void say_goodbye(void) {
  int values[5] = {9, exits_seen++, 7, 1, 8};
  printf("exit handler %d, median %d\n", exits_seen, median(values));
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  size_t count = (size_t)(40 + 20 * scale);
  struct person *people = calloc(count, sizeof *people);
  if (!people || atexit(say_goodbye) || atexit(say_goodbye))
    return 2;
  make_people(people, (int)count);

  qsort(people, count, sizeof *people, by_name);
  uint32_t hash = 0;
  for (size_t i = 0; i < count; i++)
    hash = hash * 31 + people[i].key;
  printf("sorted %zu: first %s %d, last %s %d, hash %08x\n", count, people[0].name, people[0].age,
         people[count - 1].name, people[count - 1].age, hash);

  size_t found = 0;
  for (size_t i = 0; i < count; i += 7)
    found += bsearch(&people[i], people, count, sizeof *people, by_name) == &people[i];
  uint32_t wanted = people[count / 2].key, missing = 70000;
  struct person *at = lfind(&wanted, people, &count, sizeof *people, key_is);
  printf("bsearch found %zu, lfind at %td, missing %d\n", found, at - people,
         lfind(&missing, people, &count, sizeof *people, key_is) == NULL);

  void *tree = NULL;
  for (size_t i = 0; i < count; i++)
    if (!tsearch(&people[i], &tree, by_name))
      return 2;
  twalk(tree, visit_node);
  printf("tree: %d nodes, hash %08x\n", walk.nodes, walk.hash);
  for (size_t i = 0; i < count; i += 2)
    tdelete(&people[i], &tree, by_name);
  printf("after deletion: %d %d\n", tfind(&people[0], &tree, by_name) == NULL,
         tfind(&people[1], &tree, by_name) != NULL);
  tdestroy(tree, forget_node);
  printf("destroyed the rest: %d\n", walk.nodes);

  int groups[24][5];
  uint32_t state = 99, mask = 0x5a5a;
  for (int i = 0; i < 24 * 5; i++)
    groups[i / 5][i % 5] = (int)(next_random(&state) % 50);
  qsort(groups, 24, sizeof groups[0], by_median);
  printf("medians:");
  for (int i = 0; i < 24; i++)
    printf(" %d", median(groups[i]));

  const struct person *pointers[32];
  for (int i = 0; i < 32; i++)
    pointers[i] = &people[i];
  qsort(pointers, 32, sizeof pointers[0], by_pointed_key);
  qsort_r(people + 32, 32, sizeof *people, by_key_with_context, &mask);
  printf("\nkeys: %u %u, with context: %u %u\n", pointers[0]->key, pointers[31]->key, people[32].key, people[63].key);
  free(people);
  return 0;
}
