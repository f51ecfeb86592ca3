// Check that a process that dies by abort() deep in a recursion, with replaced frames below, dies by that very signal.
//
// An arena allocator and a generic list with function pointers (map, filter, fold, merge sort). The last list is
// damaged on purpose; the check finds it inside a callback of a recursive fold and aborts (SIGABRT, status 134 in a
// shell). All output is flushed before.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

// ---- arena: chained blocks; each allocation is followed by a guard word ----

enum { block_size = 4096 };
static const uint64_t guard_word = 0xfeedfacecafebeefu;

struct block {
  struct block *older;
  size_t used;
  _Alignas(max_align_t) unsigned char bytes[block_size];
};

struct arena {
  struct block *newest;
  unsigned blocks, allocations;
};

static struct block *add_block(struct arena *a) {
  struct block *b = malloc(sizeof *b);
  if (!b)
    exit(2);
  b->older = a->newest;
  b->used = 0;
  a->newest = b;
  a->blocks++;
  return b;
}

static void *allocate(struct arena *a, size_t size) {
  size_t with_guard = (size + sizeof guard_word + 15) / 16 * 16;
  struct block *b = a->newest;
  if (!b || b->used + with_guard > block_size)
    b = add_block(a);
  void *result = b->bytes + b->used;
  memcpy(b->bytes + b->used + size, &guard_word, sizeof guard_word);
  b->used += with_guard;
  a->allocations++;
  return result;
}

static bool is_intact(const void *object, size_t size) {
  return memcmp((const char *)object + size, &guard_word, sizeof guard_word) == 0;
}

static unsigned free_blocks(struct block *b) {
  if (!b)
    return 0;
  struct block *older = b->older;
  free(b);
  return free_blocks(older) + 1;
}

static void release(struct arena *a) {
  unsigned freed = free_blocks(a->newest);
  printf("arena: %u allocations, %u blocks, %u freed\n", a->allocations, a->blocks, freed);
  *a = (struct arena){0};
}

// ---- generic list ----

struct list {
  struct list *next;
  const void *item;
};

typedef const void *(*mapper)(struct arena *, const void *item, void *context);
typedef bool (*predicate)(const void *item, const void *context);
typedef int (*ordering)(const void *a, const void *b);
typedef int64_t (*folder)(int64_t so_far, const struct list *at);

static struct list *cons(struct arena *a, const void *item, struct list *next) {
  struct list *l = allocate(a, sizeof *l);
  l->next = next;
  l->item = item;
  return l;
}

static struct list *map(struct arena *a, const struct list *l, mapper f, void *context) {
  if (!l)
    return NULL;
  const void *item = f(a, l->item, context);
  return cons(a, item, map(a, l->next, f, context));
}

static struct list *filter(struct arena *a, const struct list *l, predicate keep, const void *context) {
  if (!l)
    return NULL;
  struct list *rest = filter(a, l->next, keep, context);
  return keep(l->item, context) ? cons(a, l->item, rest) : rest;
}

static int64_t fold_right(const struct list *l, folder f, int64_t start) {
  return l ? f(fold_right(l->next, f, start), l) : start;
}

static struct list *merge(struct list *a, struct list *b, ordering order) {
  if (!a || !b)
    return a ? a : b;
  struct list **smaller = order(a->item, b->item) <= 0 ? &a : &b;
  struct list *first = *smaller;
  *smaller = first->next;
  first->next = merge(a, b, order);
  return first;
}

static struct list *sort(struct list *l, ordering order) {
  if (!l || !l->next)
    return l;
  struct list *slow = l;
  for (struct list *fast = l->next; fast && fast->next; fast = fast->next->next)
    slow = slow->next;
  struct list *second = slow->next;
  slow->next = NULL;
  struct list *sorted = sort(l, order);
  return merge(sorted, sort(second, order), order);
}

// ---- the items: small structs with a name ----

struct entry {
  char name[20];
  int value;
};

static const void *make_entry(struct arena *a, const void *item, void *context) {
  int *serial = context, value = *(const int *)item;
  struct entry *e = allocate(a, sizeof *e);
  e->value = value * value % 1009;
  snprintf(e->name, sizeof e->name, "n%d-%d", ++*serial, value % 10);
  return e;
}

static bool is_divisible(const void *item, const void *by) {
  return ((const struct entry *)item)->value % *(const int *)by == 0;
}

static int by_value_then_name(const void *a, const void *b) {
  const struct entry *x = a, *y = b;
  return x->value != y->value ? (x->value > y->value) - (x->value < y->value) : strcmp(x->name, y->name);
}

static int64_t add_value(int64_t so_far, const struct list *at) {
  const struct entry *e = at->item;
  return (so_far * 17 + e->value + e->name[1]) % 1000000007;
}

static _Noreturn void die(const struct entry *e) {
  printf("entry %.4s is damaged, aborting\n", e->name);
  fflush(stdout);
  abort();
}

static int64_t count_intact(int64_t so_far, const struct list *at) {
  if (!is_intact(at->item, sizeof(struct entry)) || !is_intact(at, sizeof(struct list)))
    die(at->item);
  return so_far + 1;
}

static int64_t process(int count, bool damage) {
  struct arena arena = {0};
  struct list *numbers = NULL;
  int serial = 0, divisor = 3;
  for (int i = 0; i < count; i++) {
    int *number = allocate(&arena, sizeof *number);
    *number = i * 37 % 211;
    numbers = cons(&arena, number, numbers);
  }
  struct list *entries = map(&arena, numbers, make_entry, &serial);
  struct list *kept = sort(filter(&arena, entries, is_divisible, &divisor), by_value_then_name);
  if (damage) {
    struct entry *victim = (struct entry *)kept->next->item;
    ((unsigned char *)victim)[sizeof *victim] ^= 1; // the guard behind the entry
  }
  int64_t all = fold_right(entries, add_value, 1);
  printf("%lld entries intact, kept sum %lld, all %lld\n", (long long)fold_right(kept, count_intact, 0),
         (long long)fold_right(kept, add_value, 1), (long long)all);
  release(&arena);
  return all;
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  int64_t sum = 0;
  for (int i = 1; i <= 4; i++)
    sum += process(i * (20 + 5 * scale), false);
  printf("sum %lld\n", (long long)sum);
  process(30 + 2 * scale, true);
  return 0;
}
