// Check that branching and deep recursion gives the same answers when any of its frames is replaced at any call.
//
// Every function here has values that are live across its own recursive calls: partial sums, loop counters,
// pointers into an array that a deeper frame changes and changes back.

#include <stdio.h>
#include <stdlib.h>
#include <stdint.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

static unsigned fib(unsigned n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

static unsigned ackermann(unsigned m, unsigned n) {
  if (m == 0)
    return n + 1;
  if (n == 0)
    return ackermann(m - 1, 1);
  return ackermann(m - 1, ackermann(m, n - 1));
}

struct hanoi {
  uint32_t peg[3]; // one bit per disc
  unsigned moves;
  unsigned illegal;
};

static void hanoi_move(struct hanoi *game, int disc, int from, int to) {
  uint32_t bit = 1u << disc;
  uint32_t smaller = bit - 1;
  if (!(game->peg[from] & bit) || (game->peg[from] & smaller) || (game->peg[to] & smaller))
    game->illegal++;
  game->peg[from] &= ~bit;
  game->peg[to] |= bit;
  game->moves++;
}

static void hanoi_solve(struct hanoi *game, int disc, int from, int to, int spare) {
  if (disc < 0)
    return;
  hanoi_solve(game, disc - 1, from, spare, to);
  hanoi_move(game, disc, from, to);
  hanoi_solve(game, disc - 1, spare, to, from);
}

struct permutations {
  int item[8];
  int count;
  unsigned visited;
  unsigned even;
  uint64_t hash;
};

static void swap_items(int *a, int *b) {
  int kept = *a;
  *a = *b;
  *b = kept;
}

static void visit_permutation(struct permutations *p, int sign) {
  uint64_t value = 0;
  for (int i = 0; i < p->count; i++)
    value = value * 10 + (uint64_t)p->item[i];
  p->visited++;
  p->even += sign > 0;
  p->hash = p->hash * 1099511628211u + value;
}

static void permute(struct permutations *p, int from, int sign) {
  if (from == p->count) {
    visit_permutation(p, sign);
    return;
  }
  for (int i = from; i < p->count; i++) {
    swap_items(&p->item[from], &p->item[i]);
    permute(p, from + 1, i == from ? sign : -sign);
    swap_items(&p->item[from], &p->item[i]);
  }
}

static unsigned count_subset_sums(const int *value, int count, int target) {
  if (count == 0)
    return target == 0;
  return count_subset_sums(value + 1, count - 1, target) + count_subset_sums(value + 1, count - 1, target - *value);
}

// The binomial coefficient by Pascal's rule: two calls whose first result must survive the second.
static unsigned binomial(unsigned n, unsigned k) {
  if (k == 0 || k == n)
    return 1;
  unsigned left = binomial(n - 1, k - 1);
  unsigned right = binomial(n - 1, k);
  return left + right;
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  int rounds = 1 + scale * scale * scale / 64; // calls are cheap here, so small scales do far less than their share
  uint64_t checksum = 0;

  for (int round = 0; round < rounds; round++) {
    unsigned wobble = (unsigned)round % 3;
    unsigned fibonacci = fib(17 + wobble);
    unsigned ack = ackermann(2, 40 + wobble);

    struct hanoi game = {.peg = {(1u << 11) - 1, 0, 0}};
    hanoi_solve(&game, 10, 0, 2, 1);

    struct permutations perm = {.count = 7, .hash = wobble};
    for (int i = 0; i < perm.count; i++)
      perm.item[i] = 1 + (i + (int)wobble) % perm.count;
    permute(&perm, 0, 1);

    static const int coins[] = {1, 2, 3, 5, 7, 11, 13, 17, 19, 23};
    unsigned subsets = count_subset_sums(coins, 10, 30 + (int)wobble);
    unsigned choose = binomial(12, 4 + wobble);

    if (round < 3)
      printf("fib %u ack %u hanoi %u/%u/%03x perms %u/%u %016llx subsets %u binomial %u\n", fibonacci, ack, game.moves,
             game.illegal, game.peg[2], perm.visited, perm.even, (unsigned long long)perm.hash, subsets, choose);
    checksum = checksum * 31 + fibonacci + ack + game.moves + perm.hash + subsets + choose;
  }
  printf("%d rounds, checksum %016llx\n", rounds, (unsigned long long)checksum);
  return 0;
}
