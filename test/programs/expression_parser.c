// Check that a recursive-descent parser and a tree evaluator survive replaced frames.
//
// Parse, simplify, differentiate, evaluate, print: each phase is recursive over a tree, returns pointers or
// doubles, and holds half-built results in its frames. Syntax errors leave through all levels by return codes.

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

enum kind { Number, Variable, Add, Subtract, Multiply, Divide, Negate };

struct node {
  enum kind kind;
  double value; // Number
  char name;    // Variable
  struct node *left, *right;
};

struct parser {
  const char *at;
  const char *error;
  struct node pool[2000];
  int used;
};

static struct node *new_node(struct parser *p, enum kind kind, struct node *left, struct node *right) {
  if (p->used == (int)(sizeof p->pool / sizeof p->pool[0]))
    abort();
  struct node *n = &p->pool[p->used++];
  *n = (struct node){.kind = kind, .left = left, .right = right};
  return n;
}

static struct node *number(struct parser *p, double value) {
  struct node *n = new_node(p, Number, NULL, NULL);
  n->value = value;
  return n;
}

static struct node *fail(struct parser *p, const char *error) {
  if (!p->error)
    p->error = error;
  return number(p, 0);
}

static int accept(struct parser *p, char wanted) {
  while (*p->at == ' ')
    p->at++;
  if (*p->at != wanted)
    return 0;
  p->at++;
  return 1;
}

static struct node *parse_sum(struct parser *p);

static struct node *parse_primary(struct parser *p) {
  if (accept(p, '(')) {
    struct node *inner = parse_sum(p);
    return accept(p, ')') ? inner : fail(p, "')' expected");
  }
  if (accept(p, '-'))
    return new_node(p, Negate, parse_primary(p), NULL);
  if (isdigit((unsigned char)*p->at)) {
    double value = 0;
    while (isdigit((unsigned char)*p->at))
      value = value * 10 + (*p->at++ - '0');
    return number(p, value);
  }
  if (*p->at >= 'x' && *p->at <= 'z') {
    struct node *n = new_node(p, Variable, NULL, NULL);
    n->name = *p->at++;
    return n;
  }
  return fail(p, *p->at ? "unexpected character" : "unexpected end");
}

static struct node *parse_product(struct parser *p) {
  struct node *left = parse_primary(p);
  while (!p->error) {
    if (accept(p, '*'))
      left = new_node(p, Multiply, left, parse_primary(p));
    else if (accept(p, '/'))
      left = new_node(p, Divide, left, parse_primary(p));
    else
      break;
  }
  return left;
}

static struct node *parse_sum(struct parser *p) {
  struct node *left = parse_product(p);
  while (!p->error) {
    if (accept(p, '+'))
      left = new_node(p, Add, left, parse_product(p));
    else if (accept(p, '-'))
      left = new_node(p, Subtract, left, parse_product(p));
    else
      break;
  }
  return left;
}

static struct node *parse(struct parser *p, const char *text) {
  p->at = text;
  p->error = NULL;
  p->used = 0;
  struct node *tree = parse_sum(p);
  accept(p, ' ');
  if (!p->error && *p->at)
    fail(p, "rubbish at the end");
  return tree;
}

static double evaluate(const struct node *n, const double *variables) {
  switch (n->kind) {
  case Number: return n->value;
  case Variable: return variables[n->name - 'x'];
  case Add: return evaluate(n->left, variables) + evaluate(n->right, variables);
  case Subtract: return evaluate(n->left, variables) - evaluate(n->right, variables);
  case Multiply: return evaluate(n->left, variables) * evaluate(n->right, variables);
  case Negate: return -evaluate(n->left, variables);
  case Divide: {
    double divisor = evaluate(n->right, variables);
    return divisor == 0 ? 0 : evaluate(n->left, variables) / divisor;
  }
  }
  return 0;
}

static int is_number(const struct node *n, double value) { return n->kind == Number && n->value == value; }

static struct node *simplify(struct parser *p, struct node *n) {
  if (n->kind == Number || n->kind == Variable)
    return n;
  struct node *left = simplify(p, n->left);
  struct node *right = n->right ? simplify(p, n->right) : NULL;
  if (left->kind == Number && (!right || right->kind == Number)) {
    struct node folded = {.kind = n->kind, .left = left, .right = right};
    return number(p, evaluate(&folded, NULL));
  }
  if (n->kind == Add && is_number(left, 0))
    return right;
  if ((n->kind == Add || n->kind == Subtract) && is_number(right, 0))
    return left;
  if (n->kind == Multiply && (is_number(left, 0) || is_number(right, 0)))
    return number(p, 0);
  if (n->kind == Multiply && is_number(left, 1))
    return right;
  if ((n->kind == Multiply || n->kind == Divide) && is_number(right, 1))
    return left;
  return new_node(p, n->kind, left, right);
}

static struct node *derive(struct parser *p, struct node *n, char by) {
  switch (n->kind) {
  case Number: return number(p, 0);
  case Variable: return number(p, n->name == by);
  case Add:
  case Subtract: {
    struct node *left = derive(p, n->left, by);
    return new_node(p, n->kind, left, derive(p, n->right, by));
  }
  case Negate: return new_node(p, Negate, derive(p, n->left, by), NULL);
  case Multiply: {
    struct node *left = new_node(p, Multiply, derive(p, n->left, by), n->right);
    return new_node(p, Add, left, new_node(p, Multiply, n->left, derive(p, n->right, by)));
  }
  case Divide: {
    struct node *top = new_node(p, Multiply, derive(p, n->left, by), n->right);
    top = new_node(p, Subtract, top, new_node(p, Multiply, n->left, derive(p, n->right, by)));
    return new_node(p, Divide, top, new_node(p, Multiply, n->right, n->right));
  }
  }
  return n;
}

static int print(const struct node *n, char *out, int at) {
  if (n->kind == Number)
    return at + sprintf(out + at, "%g", n->value);
  if (n->kind == Variable)
    return at + sprintf(out + at, "%c", n->name);
  out[at++] = n->kind == Negate ? '-' : '(';
  at = print(n->left, out, at);
  if (n->kind == Negate)
    return at;
  out[at++] = "..+-*/"[n->kind];
  at = print(n->right, out, at);
  return at + sprintf(out + at, ")");
}

static const char *const expressions[] = {
    "1+2*3-4/2", "(x+1)*(x-1)", "x*x*y - 3*x/(y+1) + -(z*2)", "((((x))))*(0+1)*y+0", "1/(1+x*x)*(y-(z-(x-(y-1))))",
    "2*(3+4)*5-(6-(7-(8-x)))", "(x+y+z)*(x*y*z)/(x+2)", "-(-(-x))--y", "1+", "(x*(y+2)", "3 $ 4", "x y",
};
enum { expression_count = sizeof expressions / sizeof expressions[0] };

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  int rounds = 1 + scale * scale * scale / 3;
  static struct parser parser;
  char text[2000];
  double total = 0;
  unsigned errors = 0, nodes = 0;

  for (int round = 0; round < rounds; round++) {
    for (int i = 0; i < expression_count; i++) {
      const double variables[] = {round % 50 * 0.5, 3 - round % 7, i};
      struct node *tree = parse(&parser, expressions[i]);
      if (parser.error) {
        errors++;
        if (round == 0)
          printf("%s: %s at %d\n", expressions[i], parser.error, (int)(parser.at - expressions[i]));
        continue;
      }
      struct node *small = simplify(&parser, tree);
      struct node *derived = simplify(&parser, derive(&parser, small, 'x'));
      double value = evaluate(small, variables), slope = evaluate(derived, variables);
      total = total * 0.75 + value + slope;
      nodes += (unsigned)parser.used;
      if (round == 0) {
        text[print(small, text, 0)] = '\0';
        printf("%s = %g", text, value);
        text[print(derived, text, 0)] = '\0';
        printf(", slope %g by %s\n", slope, text);
      }
    }
  }
  printf("%d rounds, %u errors, %u nodes, total %.6f\n", rounds, errors, nodes, total);
  return 0;
}
