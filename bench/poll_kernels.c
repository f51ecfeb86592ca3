// Loops that make no calls and whose trip count nobody knows: each iteration polls. bench/polls.py runs them.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KERNEL __attribute__((noinline)) static uint64_t

typedef struct Node {
  struct Node *next;
  uint64_t value;
} Node;

enum { cells = 1 << 12 };
static Node nodes[cells];
static uint64_t keys[cells], sorted[cells];
static char text[cells];

KERNEL list_walk(uint64_t round) {
  uint64_t sum = round;
  for (const Node *node = nodes; node; node = node->next)
    sum += node->value;
  return sum;
}

KERNEL hash_probe(uint64_t round) { // 4,096 look-ups of a few probes each
  uint64_t found = 0;
  uint64_t wanted = round;
  for (uint64_t i = 0; i < cells; i++) {
    wanted = wanted * 6364136223846793005u + 1442695040888963407u;
    uint64_t key = keys[wanted >> 52] ^ (wanted & 1);
    uint64_t at = key * 0x9e3779b97f4a7c15u >> 52;
    while (keys[at] != key && keys[at] & 7)
      at = (at + 1) % cells;
    found += at;
  }
  return found;
}

KERNEL collatz(uint64_t round) {
  uint64_t number = 837799 + round % 1024, steps = 0;
  while (number != 1) {
    number = number & 1 ? 3 * number + 1 : number / 2;
    steps++;
  }
  return steps;
}

KERNEL byte_scan(uint64_t round) {
  const char *at = text + round % 16;
  while (*at != '\n')
    at++;
  return (uint64_t)(at - text);
}

KERNEL short_scan(uint64_t round) { // calls are as dear as the loop
  const char *at = text + cells - 8 - round % 4;
  while (*at != '\n')
    at++;
  return (uint64_t)(at - text);
}

KERNEL binary_search(uint64_t round) { // 1,024 searches
  uint64_t found = 0, wanted = round;
  for (int i = 0; i < 1024; i++) {
    wanted = wanted * 6364136223846793005u + 1442695040888963407u;
    uint64_t key = wanted >> 40, low = 0, high = cells;
    while (low < high) {
      uint64_t middle = (low + high) / 2;
      if (sorted[middle] < key)
        low = middle + 1;
      else
        high = middle;
    }
    found += low;
  }
  return found;
}

KERNEL state_machine(uint64_t round) { // counts words and numbers
  uint64_t words = 0, numbers = 0;
  int state = 0;
  for (const char *at = text + round % 16;; at++) {
    switch (state) {
    case 0:
      if (*at >= 'a' && *at <= 'z')
        state = 1;
      else if (*at >= '0' && *at <= '9')
        state = 2;
      break;
    case 1:
      if (*at == ' ') {
        state = 0;
        words++;
      }
      break;
    case 2:
      if (*at == ' ') {
        state = 0;
        numbers++;
      }
      break;
    }
    if (*at == '\n')
      return words << 32 | numbers;
  }
}

KERNEL greatest_divisor(uint64_t round) {
  uint64_t sum = 0;
  for (uint64_t i = 1; i < 256; i++) {
    uint64_t a = 1134903170u + round % 64, b = 701408733u + i;
    while (b) {
      uint64_t rest = (uint32_t)a % (uint32_t)b;
      a = b;
      b = rest;
    }
    sum += a;
  }
  return sum;
}

KERNEL newton(uint64_t round) { // floating point values live in the loop
  double sum = 0;
  for (int i = 1; i < 256; i++) {
    double of = (double)(i + round % 8), root = of, before;
    do {
      before = root;
      root = 0.5 * (root + of / root);
    } while (root < before);
    sum += root;
  }
  return (uint64_t)sum;
}

KERNEL matrix_product(uint64_t round) { // counted: the inner loop has no poll, the loops around it have
  static float a[64][64], b[64][64], c[64][64];
  a[round % 64][3] = 1;
  for (int i = 0; i < 64; i++)
    for (int k = 0; k < 64; k++)
      for (int j = 0; j < 64; j++)
        c[i][j] += a[i][k] * b[k][j];
  return (uint64_t)c[round % 64][5];
}

static const struct {
  const char *name;
  uint64_t (*run)(uint64_t round);
  uint64_t rounds; // about 40 ms in optimised code
} kernels[] = {
    {"list_walk", list_walk, 8000},        {"hash_probe", hash_probe, 1200}, {"collatz", collatz, 80000},
    {"byte_scan", byte_scan, 30000},       {"short_scan", short_scan, 8000000}, {"binary_search", binary_search, 700},
    {"state_machine", state_machine, 7000}, {"greatest_divisor", greatest_divisor, 800},
    {"newton", newton, 3000},              {"matrix_product", matrix_product, 900},
};

static void fill(void) {
  for (unsigned i = 0; i < cells; i++) {
    nodes[i].value = i;
    nodes[i].next = i + 1 < cells ? &nodes[i + 1] : NULL;
    keys[i] = (uint64_t)i * 0x2545f4914f6cdd1du;
    sorted[i] = (uint64_t)i << 12;
    text[i] = "some words 4711 and 42 numbers "[i % 31];
  }
  text[cells - 1] = '\n';
}

int main(int argc, char **argv) {
  fill();
  uint64_t divisor = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
  for (unsigned i = 0; i < sizeof kernels / sizeof *kernels; i++) {
    if (argc > 1 && strcmp(argv[1], "all") != 0 && strcmp(argv[1], kernels[i].name) != 0)
      continue;
    uint64_t sum = kernels[i].run(0);
    clock_t start = clock();
    for (uint64_t round = 0; round < kernels[i].rounds / divisor; round++)
      sum += kernels[i].run(round);
    printf("%s %ld %llu\n", kernels[i].name, (long)(clock() - start), (unsigned long long)sum);
  }
  return 0;
}
