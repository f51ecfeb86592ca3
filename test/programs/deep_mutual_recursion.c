// Check that a stack of 100,000 frames of mutually recursive functions can be replaced and still returns right.
//
// Each function works after its call returns, so no compiler may turn the recursion into a loop, and the work is
// not associative, so each frame must come back with its own values. Frames hold few values: at 80 bytes a frame the
// deepest recursion fits the usual stack of 8 MB; the two with larger frames go half as deep.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

// Hofstadter-like pair: even and odd levels mix differently on the way back.
__attribute__((noinline)) static uint64_t odd_level(int depth, uint64_t seed);

__attribute__((noinline)) static uint64_t even_level(int depth, uint64_t seed) {
  if (depth == 0)
    return seed;
  uint64_t below = odd_level(depth - 1, seed * 6364136223846793005u + 1442695040888963407u);
  return (below ^ seed) * 0x9e3779b97f4a7c15u + (uint64_t)depth;
}

__attribute__((noinline)) static uint64_t odd_level(int depth, uint64_t seed) {
  if (depth == 0)
    return ~seed;
  uint64_t below = even_level(depth - 1, seed ^ seed >> 29);
  return (below + seed) * 0xbf58476d1ce4e5b9u ^ (uint64_t)depth;
}

// Three states with a floating-point value and a pointer live over the call.
struct trace {
  unsigned entered[3];
  unsigned left[3];
};

__attribute__((noinline)) static double red(struct trace *trace, int depth, double x);
__attribute__((noinline)) static double green(struct trace *trace, int depth, double x);
__attribute__((noinline)) static double blue(struct trace *trace, int depth, double x);

static double red(struct trace *trace, int depth, double x) {
  trace->entered[0]++;
  double result = depth == 0 ? x : x + green(trace, depth - 1, x * 0.5) * 0.5;
  trace->left[0]++;
  return result;
}

static double green(struct trace *trace, int depth, double x) {
  trace->entered[1]++;
  double result = depth == 0 ? -x : (depth & 2 ? red : blue)(trace, depth - 1, x + 1.0) * 0.25 - x;
  trace->left[1]++;
  return result;
}

static double blue(struct trace *trace, int depth, double x) {
  trace->entered[2]++;
  double result = depth == 0 ? 1.0 : 1.0 / (2.0 + red(trace, depth - 1, x - 0.25));
  trace->left[2]++;
  return result;
}

// A bracket matcher whose nesting depth is the recursion depth; the text is parsed by two functions in turn.
struct brackets {
  const char *next;
  int deepest;
  uint32_t hash;
};

static int parse_square(struct brackets *in, int depth);

static int parse_round(struct brackets *in, int depth) {
  if (depth > in->deepest)
    in->deepest = depth;
  if (*in->next != '(')
    return 1;
  in->next++;
  int inner = parse_square(in, depth + 1);
  in->hash = in->hash * 33 + (uint32_t)depth;
  return inner && *in->next++ == ')';
}

static int parse_square(struct brackets *in, int depth) {
  if (depth > in->deepest)
    in->deepest = depth;
  if (*in->next != '[')
    return 1;
  in->next++;
  int inner = parse_round(in, depth + 1);
  in->hash = in->hash * 37 ^ (uint32_t)depth;
  return inner && *in->next++ == ']';
}

static char *nested_brackets(int pairs) {
  char *text = malloc((size_t)pairs * 4 + 1);
  if (!text)
    abort();
  for (int i = 0; i < pairs; i++) {
    text[2 * i] = '(';
    text[2 * i + 1] = '[';
    text[4 * pairs - 1 - 2 * i] = ')';
    text[4 * pairs - 2 - 2 * i] = ']';
  }
  text[4 * pairs] = '\0';
  return text;
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  int depth = 1000 * scale;

  printf("even/odd, depth %d: %016llx\n", depth, (unsigned long long)even_level(depth, 42));
  printf("even/odd, depth %d: %016llx\n", depth - 1, (unsigned long long)odd_level(depth - 1, 43));

  struct trace trace = {{0}, {0}};
  double colour = red(&trace, depth / 2, 1.0);
  printf("colours: %.12f, entered %u %u %u, left %u %u %u\n", colour, trace.entered[0], trace.entered[1],
         trace.entered[2], trace.left[0], trace.left[1], trace.left[2]);

  char *text = nested_brackets(depth / 4);
  struct brackets in = {.next = text};
  int balanced = parse_round(&in, 0);
  printf("brackets: balanced %d, deepest %d, hash %08x, rest '%s'\n", balanced, in.deepest, in.hash, in.next);
  text[3 * depth / 4] = '!';
  in = (struct brackets){.next = text};
  balanced = parse_round(&in, 0);
  printf("damaged brackets: balanced %d, deepest %d, hash %08x\n", balanced, in.deepest, in.hash);
  free(text);
  return 0;
}
