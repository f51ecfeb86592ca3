// Check that recursive insertion and deletion in balanced trees (AVL and treap) survive replaced frames.
//
// Rebalancing happens on the way back from the recursion: a frame that comes back with a stale pointer loses a
// whole subtree, which the invariant check and the counts below would show. Malloc-heavy.

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static uint32_t next_random(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

// ---- AVL tree ----

struct avl {
  struct avl *left, *right;
  int key, height;
};

static int height(const struct avl *t) { return t ? t->height : 0; }

static void update(struct avl *t) {
  int l = height(t->left), r = height(t->right);
  t->height = (l > r ? l : r) + 1;
}

static struct avl *rotate_right(struct avl *t) {
  struct avl *top = t->left;
  t->left = top->right;
  top->right = t;
  update(t);
  update(top);
  return top;
}

static struct avl *rotate_left(struct avl *t) {
  struct avl *top = t->right;
  t->right = top->left;
  top->left = t;
  update(t);
  update(top);
  return top;
}

static struct avl *balance(struct avl *t) {
  int lean = height(t->left) - height(t->right);
  if (lean > 1) {
    if (height(t->left->left) < height(t->left->right))
      t->left = rotate_left(t->left);
    return rotate_right(t);
  }
  if (lean < -1) {
    if (height(t->right->right) < height(t->right->left))
      t->right = rotate_right(t->right);
    return rotate_left(t);
  }
  update(t);
  return t;
}

static struct avl *avl_insert(struct avl *t, int key, unsigned *added) {
  if (!t) {
    struct avl *node = malloc(sizeof *node);
    if (!node)
      abort();
    *node = (struct avl){NULL, NULL, key, 1};
    ++*added;
    return node;
  }
  if (key < t->key)
    t->left = avl_insert(t->left, key, added);
  else if (key > t->key)
    t->right = avl_insert(t->right, key, added);
  return balance(t);
}

static struct avl *take_smallest(struct avl *t, struct avl **smallest) {
  if (!t->left) {
    *smallest = t;
    return t->right;
  }
  t->left = take_smallest(t->left, smallest);
  return balance(t);
}

static struct avl *avl_remove(struct avl *t, int key, unsigned *removed) {
  if (!t)
    return NULL;
  if (key < t->key) {
    t->left = avl_remove(t->left, key, removed);
  } else if (key > t->key) {
    t->right = avl_remove(t->right, key, removed);
  } else {
    struct avl *next = t->left;
    if (t->right) {
      struct avl *rest = take_smallest(t->right, &next);
      next->right = rest;
      next->left = t->left;
    }
    free(t);
    ++*removed;
    if (!next)
      return NULL;
    t = next;
  }
  return balance(t);
}

// Returns the height, or -1 when order or balance is broken below.
static int avl_check(const struct avl *t, int low, int high, uint32_t *hash) {
  if (!t)
    return 0;
  if (t->key <= low || t->key >= high)
    return -1;
  int l = avl_check(t->left, low, t->key, hash);
  *hash = *hash * 31 + (uint32_t)t->key;
  int r = avl_check(t->right, t->key, high, hash);
  if (l < 0 || r < 0 || abs(l - r) > 1)
    return -1;
  return (l > r ? l : r) + 1;
}

static unsigned avl_free(struct avl *t) {
  if (!t)
    return 0;
  unsigned count = avl_free(t->left) + avl_free(t->right) + 1;
  free(t);
  return count;
}

// ---- treap with split and merge: two results through pointers ----

struct treap {
  struct treap *left, *right;
  uint32_t key, priority;
  unsigned size;
};

static unsigned size_of(const struct treap *t) { return t ? t->size : 0; }

static struct treap *resize(struct treap *t) {
  t->size = size_of(t->left) + size_of(t->right) + 1;
  return t;
}

static void split(struct treap *t, uint32_t key, struct treap **low, struct treap **high) {
  if (!t) {
    *low = *high = NULL;
  } else if (t->key < key) {
    split(t->right, key, &t->right, high);
    *low = resize(t);
  } else {
    split(t->left, key, low, &t->left);
    *high = resize(t);
  }
}

static struct treap *merge(struct treap *low, struct treap *high) {
  if (!low || !high)
    return low ? low : high;
  if (low->priority > high->priority) {
    low->right = merge(low->right, high);
    return resize(low);
  }
  high->left = merge(low, high->left);
  return resize(high);
}

static struct treap *treap_insert(struct treap *root, struct treap *node) {
  struct treap *low, *high;
  split(root, node->key, &low, &high);
  return merge(merge(low, node), high);
}

static uint32_t nth_key(const struct treap *t, unsigned n) {
  unsigned left = size_of(t->left);
  if (n == left)
    return t->key;
  return n < left ? nth_key(t->left, n) : nth_key(t->right, n - left - 1);
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  int operations = 400 + scale * scale * scale * 5;
  int key_range = operations / 4 < 20000 ? operations / 4 : 20000;
  uint32_t state = 7, hash = 1;
  unsigned added = 0, removed = 0;
  struct avl *tree = NULL;

  for (int i = 0; i < operations; i++) {
    int key = (int)(next_random(&state) % (unsigned)key_range);
    tree = next_random(&state) % 3 ? avl_insert(tree, key, &added) : avl_remove(tree, key, &removed);
  }
  int tall = avl_check(tree, -1, key_range, &hash);
  unsigned left = avl_free(tree);
  bool right = tall > 0 && left == added - removed;
  printf("avl: %u added, %u removed, %u left, height %d, hash %08x, %s\n", added, removed, left, tall, hash,
         right ? "right" : "WRONG");

  unsigned count = (unsigned)key_range;
  struct treap *nodes = calloc(count, sizeof *nodes), *root = NULL;
  if (!nodes)
    return 2;
  for (unsigned i = 0; i < count; i++) {
    nodes[i] = (struct treap){NULL, NULL, i * 7919u % 100003u, next_random(&state) << 8 | (i & 255), 1};
    root = treap_insert(root, &nodes[i]);
  }
  hash = 1;
  for (unsigned i = 0; i < count; i += 3) {
    struct treap *low, *middle, *high;
    split(root, nodes[i].key, &low, &high); // cut out everything within 500 keys, and put it back in front
    split(high, nodes[i].key + 500, &middle, &high);
    hash = hash * 31 + size_of(middle);
    root = merge(merge(low, middle), high);
    hash = hash * 31 + nth_key(root, i);
  }
  printf("treap: %u nodes, median %u, hash %08x\n", size_of(root), nth_key(root, count / 2), hash);
  free(nodes);
  return right ? 0 : 1;
}
