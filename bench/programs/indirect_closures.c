// Expressions compiled to closures: each node is a function pointer with its operands.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct node;
typedef uint32_t (*evaluate)(const struct node *, const uint32_t *);
struct node {
  evaluate run;
  const struct node *left, *right;
  uint32_t number;
};
static uint32_t run_constant(const struct node *n, const uint32_t *v) { return n->number; }
static uint32_t run_variable(const struct node *n, const uint32_t *v) { return v[n->number]; }
static uint32_t run_add(const struct node *n, const uint32_t *v) { return n->left->run(n->left, v) + n->right->run(n->right, v); }
static uint32_t run_multiply(const struct node *n, const uint32_t *v) { return n->left->run(n->left, v) * n->right->run(n->right, v); }
static uint32_t run_xor(const struct node *n, const uint32_t *v) { return n->left->run(n->left, v) ^ n->right->run(n->right, v); }

int main(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  struct node x = {run_variable, 0, 0, 0}, y = {run_variable, 0, 0, 1}, three = {run_constant, 0, 0, 3};
  struct node product = {run_multiply, &x, &three, 0}, sum = {run_add, &product, &y, 0}, root = {run_xor, &sum, &x, 0};
  uint32_t v[2] = {1, 2}, result = 0;
  for (int i = 0; i < scale * 500000; i++) {
    v[0] = result + (uint32_t)i, v[1] = result >> 3;
    result = result * 17 + root.run(&root, v);
  }
  printf("%u\n", result);
  return 0;
}
