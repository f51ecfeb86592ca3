// Check that backtracking searches (n-queens, sudoku) survive replaced frames.
//
// A search keeps its undo information in frame values across the recursive call; a frame rebuilt with a stale value
// would undo the wrong move, and the counts below would differ.

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

// n-queens with bit masks: columns and both diagonals are threatened sets.
static unsigned queens(uint32_t all, uint32_t columns, uint32_t left, uint32_t right) {
  if (columns == all)
    return 1;
  unsigned found = 0;
  for (uint32_t free_squares = all & ~(columns | left | right); free_squares;) {
    uint32_t square = free_squares & -free_squares;
    free_squares ^= square;
    found += queens(all, columns | square, (left | square) << 1, (right | square) >> 1);
  }
  return found;
}

// The same with a board in an array, so that the callee sees the caller's moves through a pointer.
static bool is_attacked(const int8_t *column_of_row, int row, int column) {
  for (int r = 0; r < row; r++) {
    int c = column_of_row[r];
    if (c == column || c - column == r - row || c - column == row - r)
      return true;
  }
  return false;
}

static unsigned queens_on_board(int8_t *column_of_row, int row, int size, uint64_t *hash) {
  if (row == size) {
    for (int r = 0; r < size; r++)
      *hash = *hash * 131 + (uint64_t)column_of_row[r];
    return 1;
  }
  unsigned found = 0;
  for (int column = 0; column < size; column++) {
    if (is_attacked(column_of_row, row, column))
      continue;
    column_of_row[row] = (int8_t)column;
    found += queens_on_board(column_of_row, row + 1, size, hash);
  }
  return found;
}

struct sudoku {
  uint8_t cell[81];
  uint16_t row[9], column[9], box[9]; // used digits
  unsigned steps;
};

static int box_of(int position) { return position / 27 * 3 + position % 9 / 3; }

static void toggle(struct sudoku *s, int position, int digit) {
  uint16_t bit = (uint16_t)(1u << digit);
  s->row[position / 9] ^= bit;
  s->column[position % 9] ^= bit;
  s->box[box_of(position)] ^= bit;
}

static unsigned candidates(const struct sudoku *s, int position) {
  return 0x3feu & ~(unsigned)(s->row[position / 9] | s->column[position % 9] | s->box[box_of(position)]);
}

static int most_constrained(const struct sudoku *s, unsigned *choices) {
  int best = -1, best_count = 10;
  for (int position = 0; position < 81; position++) {
    if (s->cell[position])
      continue;
    unsigned set = candidates(s, position);
    int count = __builtin_popcount(set);
    if (count < best_count) {
      best = position;
      best_count = count;
      *choices = set;
    }
  }
  return best;
}

static bool solve_sudoku(struct sudoku *s) {
  unsigned choices = 0;
  int position = most_constrained(s, &choices);
  if (position < 0)
    return true;
  for (int digit = 1; digit <= 9; digit++) {
    if (!(choices & 1u << digit))
      continue;
    s->steps++;
    s->cell[position] = (uint8_t)digit;
    toggle(s, position, digit);
    if (solve_sudoku(s))
      return true;
    toggle(s, position, digit);
    s->cell[position] = 0;
  }
  return false;
}

static bool load_and_solve(const char *text, struct sudoku *s) {
  memset(s, 0, sizeof *s);
  for (int i = 0; i < 81; i++) {
    if (text[i] == '.')
      continue;
    s->cell[i] = (uint8_t)(text[i] - '0');
    toggle(s, i, s->cell[i]);
  }
  return solve_sudoku(s);
}

static const char *const puzzles[] = {
    "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79",
    "..............3.85..1.2.......5.7.....4...1...9.......5......73..2.1........4...9",
    "8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4..",
};

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  int rounds = 3 + scale * scale * scale / 36;
  uint64_t checksum = 0;

  for (int round = 0; round < rounds; round++) {
    int size = 8 - round % 3;
    uint64_t hash = 0;
    int8_t board[8] = {0};
    unsigned by_mask = queens((1u << size) - 1, 0, 0, 0);
    unsigned by_board = queens_on_board(board, 0, size, &hash);
    checksum = checksum * 31 + by_mask + by_board + hash;
    if (round < 3)
      printf("%d queens: %u and %u solutions, hash %016llx\n", size, by_mask, by_board, (unsigned long long)hash);
  }
  int puzzle_count = scale < 10 ? 1 : 3; // the first puzzle is easy, the others take many calls
  for (int i = 0; i < puzzle_count; i++) {
    struct sudoku s;
    bool solved = load_and_solve(puzzles[i], &s);
    printf("sudoku %d: %s, ", i, solved ? "solved" : "no solution");
    for (int k = 0; k < 81; k++)
      putchar('0' + s.cell[k]);
    printf(", %u steps\n", s.steps);
  }
  printf("%d rounds, checksum %016llx\n", rounds, (unsigned long long)checksum);
  return 0;
}
