#include <stdio.h>
#include <stdlib.h>

struct tree {
  struct tree *left, *right;
};

static struct tree *make(int depth) {
  struct tree *t = malloc(sizeof *t);
  t->left = depth > 0 ? make(depth - 1) : NULL;
  t->right = depth > 0 ? make(depth - 1) : NULL;
  return t;
}

static double check(const struct tree *t) { return t->left ? 1 + check(t->left) + check(t->right) : 1; }

static void destroy(struct tree *t) {
  if (t->left) {
    destroy(t->left);
    destroy(t->right);
  }
  free(t);
}

int main(void) {
  struct tree *kept = make(16);
  double sum = 0;
  for (int i = 0; i < 15000; ++i) {
    struct tree *t = make(12);
    sum += check(t);
    destroy(t);
  }
  printf("%g\n%g\n", sum, check(kept));
}
