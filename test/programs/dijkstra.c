// Check that a priority queue with a comparison callback and Dijkstra's algorithm survive replaced frames.
//
// Sifting is recursive, relaxing an edge changes queue, distances and back pointers in one go; the distances are
// checked against a second algorithm (Bellman-Ford).

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

enum { max_nodes = 400, degree = 5 };
static const uint32_t unreachable = UINT32_MAX;

// ---- priority queue of node numbers, ordered by a callback ----

struct queue {
  int items[max_nodes];
  int place[max_nodes]; // where an item is, -1 if it is not queued
  int count;
  bool (*before)(const void *context, int a, int b);
  const void *context;
};

static void put(struct queue *q, int index, int item) {
  q->items[index] = item;
  q->place[item] = index;
}

static void sift_up(struct queue *q, int index, int item) {
  int parent = (index - 1) / 2;
  if (index > 0 && q->before(q->context, item, q->items[parent])) {
    put(q, index, q->items[parent]);
    sift_up(q, parent, item);
  } else {
    put(q, index, item);
  }
}

static void sift_down(struct queue *q, int index, int item) {
  int child = 2 * index + 1;
  if (child + 1 < q->count && q->before(q->context, q->items[child + 1], q->items[child]))
    child++;
  if (child < q->count && q->before(q->context, q->items[child], item)) {
    put(q, index, q->items[child]);
    sift_down(q, child, item);
  } else {
    put(q, index, item);
  }
}

static void push_or_raise(struct queue *q, int item) {
  int index = q->place[item] >= 0 ? q->place[item] : q->count++;
  sift_up(q, index, item);
}

static int pop(struct queue *q) {
  int top = q->items[0];
  q->place[top] = -1;
  if (--q->count > 0)
    sift_down(q, 0, q->items[q->count]);
  return top;
}

// ---- graph ----

struct edge {
  int to;
  uint32_t cost;
};

struct graph {
  int nodes;
  struct edge edges[max_nodes][degree];
};

struct routes {
  uint32_t distance[max_nodes];
  int from[max_nodes];
  unsigned relaxed;
};

static uint32_t next_random(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 10;
}

static void make_graph(struct graph *g, int nodes, uint32_t seed) {
  g->nodes = nodes;
  for (int n = 0; n < nodes; n++)
    for (int e = 0; e < degree; e++) {
      int hop = e == 0 ? n + 1 : (int)(next_random(&seed) % (unsigned)nodes);
      g->edges[n][e] = (struct edge){hop < nodes ? hop : 0, 1 + next_random(&seed) % 1000};
    }
}

static bool is_nearer(const void *context, int a, int b) {
  const struct routes *r = context;
  return r->distance[a] != r->distance[b] ? r->distance[a] < r->distance[b] : a < b;
}

static void clear_routes(struct routes *r, int nodes, int start) {
  r->relaxed = 0;
  for (int n = 0; n < nodes; n++) {
    r->distance[n] = unreachable;
    r->from[n] = -1;
  }
  r->distance[start] = 0;
}

static bool relax(struct routes *r, int node, const struct edge *e) {
  uint32_t through = r->distance[node] + e->cost;
  if (through >= r->distance[e->to])
    return false;
  r->distance[e->to] = through;
  r->from[e->to] = node;
  r->relaxed++;
  return true;
}

static void find_routes(const struct graph *g, int start, struct routes *r) {
  struct queue q = {.count = 0, .before = is_nearer, .context = r};
  memset(q.place, -1, sizeof q.place);
  clear_routes(r, g->nodes, start);
  push_or_raise(&q, start);
  while (q.count > 0) {
    int node = pop(&q);
    for (int e = 0; e < degree; e++)
      if (relax(r, node, &g->edges[node][e]))
        push_or_raise(&q, g->edges[node][e].to);
  }
}

static bool verify(const struct graph *g, int start, const struct routes *found) {
  static struct routes check;
  bool changed = true;
  clear_routes(&check, g->nodes, start);
  while (changed) {
    changed = false;
    for (int n = 0; n < g->nodes; n++)
      for (int e = 0; check.distance[n] != unreachable && e < degree; e++)
        changed |= relax(&check, n, &g->edges[n][e]);
  }
  return memcmp(check.distance, found->distance, (size_t)g->nodes * sizeof check.distance[0]) == 0;
}

// The length of the way back by recursion, and a hash of the nodes on it.
static int way_back(const struct routes *r, int node, uint32_t *hash) {
  if (r->from[node] < 0)
    return 0;
  int length = way_back(r, r->from[node], hash) + 1;
  *hash = *hash * 31 + (uint32_t)node;
  return length;
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  int rounds = 2 + scale * scale * scale / 40, wrong = 0, longest = 0;
  static struct graph g;
  static struct routes r;
  uint32_t hash = 1;
  uint64_t total = 0;

  for (int round = 0; round < rounds; round++) {
    int nodes = scale < 10 ? 60 : 100 + round % 300;
    make_graph(&g, nodes, (uint32_t)round * 7919u);
    find_routes(&g, round % nodes, &r);
    if (round % 64 == 0)
      wrong += !verify(&g, round % nodes, &r);
    for (int n = 0; n < nodes; n += 7) {
      int length = way_back(&r, n, &hash);
      longest = length > longest ? length : longest;
      total += r.distance[n];
    }
    hash = hash * 31 + r.relaxed;
  }
  printf("%d rounds, %d wrong, longest way %d, total %llu, hash %08x\n", rounds, wrong, longest,
         (unsigned long long)total, hash);
  return wrong != 0;
}
