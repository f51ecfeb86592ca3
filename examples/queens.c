// How many ways are there to put N queens on a board? The search suspends one activation per row, and libc's qsort calls
// back into the program: frames of both kinds are on the stack whenever a frame changes its tier.
#include <stdio.h>
#include <stdlib.h>

struct Board {
  int size;
  int column_of_row[16];
};

typedef void Visitor(const struct Board *board, void *context);

static int is_safe(const struct Board *board, int row, int column) {
  for (int other = 0; other < row; ++other) {
    int distance = board->column_of_row[other] - column;
    if (distance == 0 || distance == row - other || distance == other - row)
      return 0;
  }
  return 1;
}

static long search(struct Board *board, int row, Visitor *visit, void *context) {
  if (row == board->size) {
    visit(board, context);
    return 1;
  }
  long found = 0;
  for (int column = 0; column < board->size; ++column)
    if (is_safe(board, row, column)) {
      board->column_of_row[row] = column;
      found += search(board, row + 1, visit, context);
    }
  return found;
}

static int compare(const void *left, const void *right) { return *(const int *)left - *(const int *)right; }

// The sum of each solution's sorted products is the same for the board and its mirror image: a cheap fingerprint.
static void fingerprint(const struct Board *board, void *context) {
  int products[16];
  for (int row = 0; row < board->size; ++row)
    products[row] = (row + 1) * (board->column_of_row[row] + 1);
  qsort(products, (size_t)board->size, sizeof(int), compare);
  for (int i = 0; i < board->size; ++i)
    *(unsigned long *)context = *(unsigned long *)context * 31 + (unsigned long)products[i];
}

int main(int argc, char **argv) {
  struct Board board = {argc > 1 ? atoi(argv[1]) : 8, {0}};
  if (board.size < 1 || board.size > 16) {
    fprintf(stderr, "usage: queens [1..16]\n");
    return 2;
  }
  unsigned long mark = 0;
  long found = search(&board, 0, fingerprint, &mark);
  printf("%d queens: %ld solutions, fingerprint %016lx\n", board.size, found, mark);
  return 0;
}
