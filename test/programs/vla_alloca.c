// Check that variable length arrays and alloca survive replaced frames and are given back at the right time.
//
// Sizes are known only at run time, scopes open and close in loops (the memory must not pile up), and pointers into
// the arrays are held by older and newer frames.

#include <alloca.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static uint32_t hash_bytes(const void *data, size_t size, uint32_t hash) {
  const unsigned char *bytes = data;
  for (size_t i = 0; i < size; i++)
    hash = (hash ^ bytes[i]) * 16777619u;
  return hash;
}

static void fill(int count, int values[count], int start) {
  for (int i = 0; i < count; i++)
    values[i] = start + i * i;
}

// Merge sort whose scratch space is a VLA in every frame.
static void merge_sort(int count, int values[count]) {
  if (count < 2)
    return;
  int half = count / 2;
  int left[half], right[count - half];
  memcpy(left, values, sizeof left);
  memcpy(right, values + half, sizeof right);
  merge_sort(half, left);
  merge_sort(count - half, right);
  for (int i = 0, l = 0, r = 0; i < count; i++)
    values[i] = r == count - half || (l < half && left[l] <= right[r]) ? left[l++] : right[r++];
}

// Two-dimensional VLAs as parameters and locals.
static void multiply(int rows, int inner, int columns, uint32_t a[rows][inner], uint32_t b[inner][columns],
                     uint32_t out[rows][columns]) {
  for (int r = 0; r < rows; r++)
    for (int c = 0; c < columns; c++) {
      uint32_t sum = 0;
      for (int k = 0; k < inner; k++)
        sum += a[r][k] * b[k][c];
      out[r][c] = sum;
    }
}

static uint32_t matrix_power(int size, int exponent) {
  uint32_t base[size][size], result[size][size], scratch[size][size];
  for (int r = 0; r < size; r++)
    for (int c = 0; c < size; c++) {
      base[r][c] = (uint32_t)(r * 3 + c + 1);
      result[r][c] = r == c;
    }
  for (; exponent; exponent >>= 1) {
    if (exponent & 1) {
      multiply(size, size, size, result, base, scratch);
      memcpy(result, scratch, sizeof result);
    }
    multiply(size, size, size, base, base, scratch);
    memcpy(base, scratch, sizeof base);
  }
  return hash_bytes(result, sizeof result, 7);
}

// A list whose nodes come from alloca in one frame and are used by callees; alloca in a loop piles up by design.
struct node {
  struct node *next;
  int value;
};

static long sum_list(const struct node *list) { return list ? list->value + 2 * sum_list(list->next) % 100003 : 0; }

static struct node *reverse(struct node *list) {
  struct node *done = NULL;
  while (list) {
    struct node *next = list->next;
    list->next = done;
    done = list;
    list = next;
  }
  return done;
}

static long list_on_stack(int count) {
  struct node *list = NULL;
  for (int i = 0; i < count; i++) {
    struct node *n = alloca(sizeof *n);
    n->value = (list ? list->value * 7 + i : 5) % 31; // a recurrence: LLVM 22 wrongly vectorises this loop otherwise
    n->next = list;
    list = n;
  }
  long forward = sum_list(list);
  return forward * 1000003 + sum_list(reverse(list));
}

static uint32_t hash_of_letters(size_t count, int letter, uint32_t hash) {
  char *text = alloca(count);
  memset(text, letter, count);
  return hash_bytes(text, count, hash);
}

// A VLA in a loop body: 20,000 scopes of several KB each would overflow the stack if they were not released.
static uint32_t many_scopes(int scopes) {
  uint32_t hash = 1;
  for (int i = 0; i < scopes; i++) {
    int size = 500 + (i * 37 & 511);
    int values[size];
    fill(size, values, i);
    if (i % 5 == 0)
      continue; // leaves the scope early
    hash = hash * 31 + (uint32_t)values[size - 1] + (uint32_t)values[i % size];
    if (i % 97 == 96)
      hash = hash_of_letters((size_t)(i % 64) + 1, 'a' + i % 26, hash);
  }
  return hash;
}

// Each level has a VLA, passes all older ones down as a chain, and checks them on the way back.
struct level {
  const struct level *older;
  const int *values;
  int count;
};

static long chain_sum(const struct level *level) {
  long sum = 0;
  for (; level; level = level->older)
    for (int i = 0; i < level->count; i++)
      sum += level->values[i];
  return sum;
}

static long descend(const struct level *older, int depth) {
  int values[depth + 1];
  struct level here = {older, values, depth + 1};
  fill(depth + 1, values, depth);
  if (depth == 0)
    return chain_sum(&here);
  long before = chain_sum(&here);
  long below = descend(&here, depth - 1);
  long after = chain_sum(&here);
  values[depth] = (int)(below & 1023);
  return before == after ? below + values[depth] : -1000000;
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  int count = 100 + 20 * scale;
  int values[count];
  uint32_t state = 1;

  for (int i = 0; i < count; i++)
    values[i] = (int)((state = state * 1103515245u + 12345u) >> 8 & 0xffff);
  merge_sort(count, values);
  int sorted = 1;
  for (int i = 1; i < count; i++)
    sorted &= values[i - 1] <= values[i];
  printf("merge sort of %d: sorted %d, hash %08x\n", count, sorted, hash_bytes(values, sizeof values, 1));
  for (int size = 1; size <= 9; size += 4)
    printf("matrix %d: %08x\n", size, matrix_power(size, 10 * scale + size));
  printf("list: %ld %ld\n", list_on_stack(3), list_on_stack(20 * scale));
  printf("scopes: %08x\n", many_scopes(200 * scale));
  printf("levels: %ld %ld\n", descend(NULL, 5), descend(NULL, 30 + scale / 2));
  printf("sizes: %zu %zu\n", sizeof values / sizeof(int), sizeof(char[scale + 3]));
  return sorted ? 0 : 1;
}
