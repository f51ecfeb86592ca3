// Check that a hash table with callbacks (hash, equality, visitor functions in a struct) survives replaced frames.
//
// Open addressing with deletion marks and growth: while it grows, frames of several functions hold pointers to the
// old and the new storage. Keys are strings; the visiting order does not enter the result.

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

struct key_functions {
  uint32_t (*hash)(const char *key);
  bool (*equal)(const char *a, const char *b);
};

struct slot {
  char *key; // NULL: never used; deleted: the mark below
  uint32_t hash;
  int value;
};

struct table {
  const struct key_functions *functions;
  struct slot *slots;
  size_t capacity, used, marks;
  unsigned grown;
};

static char deleted[] = "";

static uint32_t hash_step(uint32_t hash, char c) { return (hash ^ (unsigned char)c) * 16777619u; }

static uint32_t hash_exact(const char *key) {
  uint32_t hash = 2166136261u;
  while (*key)
    hash = hash_step(hash, *key++);
  return hash;
}

static char fold_case(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

static uint32_t hash_folded(const char *key) {
  uint32_t hash = 5381;
  while (*key)
    hash = hash_step(hash, fold_case(*key++));
  return hash;
}

static bool equal_exact(const char *a, const char *b) { return strcmp(a, b) == 0; }

static bool equal_folded(const char *a, const char *b) {
  while (*a && fold_case(*a) == fold_case(*b))
    a++, b++;
  return fold_case(*a) == fold_case(*b);
}

static const struct key_functions exact = {hash_exact, equal_exact}, folded = {hash_folded, equal_folded};

static void *checked(void *memory) {
  if (!memory)
    abort();
  return memory;
}

static void open_table(struct table *t, const struct key_functions *functions) {
  *t = (struct table){.functions = functions, .capacity = 8};
  t->slots = checked(calloc(t->capacity, sizeof *t->slots));
}

// The slot that holds the key, or the one where it should go.
static struct slot *find_slot(const struct table *t, const char *key, uint32_t hash) {
  struct slot *reusable = NULL;
  for (size_t i = hash & (t->capacity - 1);; i = (i + 1) & (t->capacity - 1)) {
    struct slot *s = &t->slots[i];
    if (!s->key)
      return reusable ? reusable : s;
    if (s->key == deleted)
      reusable = reusable ? reusable : s;
    else if (s->hash == hash && t->functions->equal(s->key, key))
      return s;
  }
}

static bool is_taken(const struct slot *s) { return s->key && s->key != deleted; }

static void move_slot(struct table *to, const struct slot *from) {
  if (is_taken(from))
    *find_slot(to, from->key, from->hash) = *from;
}

static void grow(struct table *t) {
  struct table bigger = *t;
  bigger.capacity = t->used * 4 > t->capacity ? t->capacity * 2 : t->capacity; // else only sweep the marks
  bigger.slots = checked(calloc(bigger.capacity, sizeof *bigger.slots));
  bigger.marks = 0;
  bigger.grown++;
  for (size_t i = 0; i < t->capacity; i++)
    move_slot(&bigger, &t->slots[i]);
  free(t->slots);
  *t = bigger;
}

static int *value_of(struct table *t, const char *key) {
  uint32_t hash = t->functions->hash(key);
  struct slot *s = find_slot(t, key, hash);
  if (is_taken(s))
    return &s->value;
  if ((t->used + t->marks + 1) * 4 > t->capacity * 3) {
    grow(t);
    s = find_slot(t, key, hash);
  }
  t->marks -= s->key == deleted;
  t->used++;
  *s = (struct slot){checked(strdup(key)), hash, 0};
  return &s->value;
}

static bool remove_key(struct table *t, const char *key) {
  struct slot *s = find_slot(t, key, t->functions->hash(key));
  if (!is_taken(s))
    return false;
  free(s->key);
  s->key = deleted;
  t->used--;
  t->marks++;
  return true;
}

static void for_each(const struct table *t, void (*visit)(const struct slot *, void *), void *context) {
  for (size_t i = 0; i < t->capacity; i++)
    if (is_taken(&t->slots[i]))
      visit(&t->slots[i], context);
}

static void close_table(struct table *t) {
  for (size_t i = 0; i < t->capacity; i++)
    if (is_taken(&t->slots[i]))
      free(t->slots[i].key);
  free(t->slots);
}

struct summary {
  uint64_t mixed;
  int largest;
};

static void summarise(const struct slot *s, void *context) {
  struct summary *sum = context;
  sum->mixed += (uint64_t)hash_exact(s->key) * (unsigned)(s->value + 1); // a sum: no order
  if (s->value > sum->largest)
    sum->largest = s->value;
}

static void make_word(uint32_t number, char *word) {
  static const char letters[] = "aBcDeFgHiJkLmNoP";
  for (; number; number >>= 4)
    *word++ = letters[number & 15];
  *word = '\0';
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  int operations = 1000 + scale * scale * scale * 15;
  unsigned range = operations < 80000 ? (unsigned)operations / 4 : 20000;
  uint32_t state = 99;
  unsigned removed = 0;
  struct table words, ignoring_case;
  char word[12];

  open_table(&words, &exact);
  open_table(&ignoring_case, &folded);
  for (int i = 0; i < operations; i++) {
    state = state * 1664525u + 1013904223u;
    make_word(1 + (state >> 10) % range, word);
    if ((state & 0x700) == 0)
      removed += remove_key(&words, word);
    else
      ++*value_of(&words, word);
    if (i % 4 == 0) {
      if (i % 8 == 0)
        word[0] = (char)(word[0] >= 'a' ? word[0] - 32 : word[0] + 32);
      *value_of(&ignoring_case, word) += i & 15;
    }
  }
  const struct table *tables[] = {&words, &ignoring_case};
  for (int i = 0; i < 2; i++) {
    struct summary sum = {0, 0};
    for_each(tables[i], summarise, &sum);
    printf("table %d: %zu keys, capacity %zu, grown %u, largest %d, mixed %016llx\n", i, tables[i]->used,
           tables[i]->capacity, tables[i]->grown, sum.largest, (unsigned long long)sum.mixed);
  }
  printf("%d operations, %u removed\n", operations, removed);
  close_table(&words);
  close_table(&ignoring_case);
  return 0;
}
