// Check that a small Lisp (reader, eval/apply with closures, printer) survives replaced frames.
//
// eval and apply recurse with scopes and half-evaluated argument lists in their frames; errors leave with longjmp.

#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_scale(int argc, char **argv) {
  int scale = argc > 1 ? atoi(argv[1]) : 100;
  return scale < 1 ? 1 : scale;
}

enum kind { Nil, Int, Symbol, Pair, Builtin, Closure };

struct value {
  enum kind kind;
  union {
    int64_t number;
    struct { const char *name; size_t length; }; // points into the program's text
    struct { struct value *car, *cdr; };
    struct value *(*call)(struct value *arguments);
    struct { struct value *lambda, *scope; };
  };
};

static struct value nil = {.kind = Nil}, *globals;
static struct value heap[200000], *symbols[64];
static int heap_used, symbol_count;
static jmp_buf on_error;
static const char *error_text;

static _Noreturn void error(const char *text) {
  error_text = text;
  longjmp(on_error, 1);
}

static struct value *new_value(enum kind kind) {
  if (heap_used == (int)(sizeof heap / sizeof heap[0]))
    error("out of memory");
  struct value *v = &heap[heap_used++];
  v->kind = kind;
  return v;
}

static struct value *make_int(int64_t number) {
  struct value *v = new_value(Int);
  return v->number = number, v;
}
static struct value *cons(struct value *car, struct value *cdr) {
  struct value *v = new_value(Pair);
  return v->car = car, v->cdr = cdr, v;
}
static struct value *car(const struct value *v) { return v->kind == Pair ? v->car : (error("not a pair"), NULL); }
static struct value *cdr(const struct value *v) { return v->kind == Pair ? v->cdr : (error("not a pair"), NULL); }

static struct value *intern(const char *name, size_t length) {
  for (int i = 0; i < symbol_count; i++)
    if (symbols[i]->length == length && memcmp(symbols[i]->name, name, length) == 0)
      return symbols[i];
  if (symbol_count == 64)
    abort();
  struct value *v = new_value(Symbol);
  return v->name = name, v->length = length, symbols[symbol_count++] = v;
}

// ---- reader and printer ----

static struct value *read_form(const char **in);

static struct value *read_list(const char **in) {
  *in += strspn(*in, " ");
  if (**in == ')')
    return ++*in, &nil;
  if (!**in)
    error("unfinished list");
  struct value *first = read_form(in);
  return cons(first, read_list(in));
}

static struct value *read_form(const char **in) {
  *in += strspn(*in, " ");
  if (**in == '(')
    return ++*in, read_list(in);
  if (**in >= '0' && **in <= '9')
    return make_int(strtoll(*in, (char **)in, 10));
  size_t length = strcspn(*in, " ()");
  *in += length;
  return intern(*in - length, length);
}

static void print(const struct value *v) {
  switch (v->kind) {
  case Nil: printf("()"); break;
  case Int: printf("%lld", (long long)v->number); break;
  case Symbol: printf("%.*s", (int)v->length, v->name); break;
  case Builtin: case Closure: printf("<function>"); break;
  case Pair:
    for (const char *before = "("; v->kind == Pair; v = v->cdr, before = " ") {
      printf("%s", before);
      print(v->car);
    }
    printf(")");
  }
}

// ---- eval and apply; a scope is a list of (symbol . value) ----

static struct value *lookup(const struct value *name, struct value *scope) {
  while (scope->kind == Pair && scope->car->car != name)
    scope = scope->cdr;
  return scope->kind == Pair ? scope->car : NULL;
}

static struct value *eval(struct value *form, struct value *scope);

static struct value *eval_list(const struct value *list, struct value *scope) {
  if (list->kind == Nil)
    return &nil;
  struct value *first = eval(car(list), scope);
  return cons(first, eval_list(list->cdr, scope));
}

static struct value *bind(struct value *parameters, struct value *arguments, struct value *scope) {
  if (parameters->kind != arguments->kind)
    error("wrong number of arguments");
  if (parameters->kind == Nil)
    return scope;
  struct value *rest = bind(parameters->cdr, arguments->cdr, scope);
  return cons(cons(parameters->car, arguments->car), rest);
}

static struct value *apply(struct value *function, struct value *arguments) {
  if (function->kind == Builtin)
    return function->call(arguments);
  if (function->kind != Closure)
    error("not a function");
  struct value *scope = bind(car(function->lambda), arguments, function->scope);
  return eval(car(function->lambda->cdr), scope);
}

static int is(const struct value *symbol, const char *name) {
  return symbol->length == strlen(name) && memcmp(symbol->name, name, symbol->length) == 0;
}

static struct value *eval_special(const struct value *name, struct value *rest, struct value *scope) {
  if (is(name, "quote"))
    return car(rest);
  if (is(name, "if")) {
    struct value *test = eval(car(rest), scope);
    return eval(test->kind != Nil ? car(cdr(rest)) : car(cdr(cdr(rest))), scope);
  }
  if (is(name, "lambda")) {
    struct value *v = new_value(Closure);
    v->lambda = rest, v->scope = scope;
    return v;
  }
  if (is(name, "define")) {
    struct value *value = eval(car(cdr(rest)), scope);
    globals = cons(cons(car(rest), value), globals);
    return value;
  }
  return NULL;
}

static struct value *eval(struct value *form, struct value *scope) {
  if (form->kind == Symbol) {
    struct value *binding = lookup(form, scope);
    if (!binding)
      binding = lookup(form, globals);
    return binding ? binding->cdr : (error("unknown name"), NULL);
  }
  if (form->kind != Pair)
    return form;
  if (form->car->kind == Symbol) {
    struct value *special = eval_special(form->car, form->cdr, scope);
    if (special)
      return special;
  }
  struct value *function = eval(form->car, scope);
  return apply(function, eval_list(form->cdr, scope));
}

// ---- builtins ----

static int64_t number(const struct value *v) { return v->kind == Int ? v->number : (error("not a number"), 0); }
static int64_t second(const struct value *v) { return number(car(cdr(v))); }
static struct value *do_add(struct value *a) { return make_int(number(car(a)) + second(a)); }
static struct value *do_subtract(struct value *a) { return make_int(number(car(a)) - second(a)); }
static struct value *do_multiply(struct value *a) { return make_int(number(car(a)) * second(a)); }
static struct value *do_less(struct value *a) { return number(car(a)) < second(a) ? make_int(1) : &nil; }
static struct value *do_car(struct value *a) { return car(car(a)); }
static struct value *do_cdr(struct value *a) { return cdr(car(a)); }
static struct value *do_cons(struct value *a) { return cons(car(a), car(cdr(a))); }
static struct value *do_null(struct value *a) { return car(a)->kind == Nil ? make_int(1) : &nil; }

static const struct { const char *name; struct value *(*call)(struct value *); } builtins[] = {
    {"+", do_add}, {"-", do_subtract}, {"*", do_multiply}, {"<", do_less},
    {"car", do_car}, {"cdr", do_cdr}, {"cons", do_cons}, {"null", do_null},
};

static const char *const library[] = {
    "(define fib (lambda (n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2))))))",
    "(define map (lambda (f l) (if (null l) l (cons (f (car l)) (map f (cdr l))))))",
    "(define fold (lambda (f z l) (if (null l) z (f (car l) (fold f z (cdr l))))))",
    "(define range (lambda (a b) (if (< a b) (cons a (range (+ a 1) b)) (quote ()))))",
    "(define compose (lambda (f g) (lambda (x) (f (g x)))))",
    "(define tak (lambda (x y z) (if (< y x) (tak (tak (- x 1) y z) (tak (- y 1) z x) (tak (- z 1) x y)) z)))",
};
static const char *const programs[] = {
    "(fib 9)", "(tak 5 3 1)", "(map (compose (lambda (x) (* x x)) (lambda (x) (+ x 1))) (range 0 12))",
    "(fold + 0 (map fib (range 0 7)))",
    "(map (lambda (k) ((lambda (f) (f f k)) (lambda (f n) (if (< n 1) 1 (* n (f f (- n 1))))))) (range 1 9))",
    "(car 5)", "(fib (quote x))", "((lambda (a b) a) 1)", "(undefined)",
};
#define COUNT(array) (int)(sizeof(array) / sizeof(array)[0])

static struct value *run(const char *text) {
  if (setjmp(on_error))
    return NULL;
  return eval(read_form(&text), &nil);
}

int main(int argc, char **argv) {
  int scale = read_scale(argc, argv);
  int rounds = 1 + scale * scale * scale / 50, errors = 0;
  globals = &nil;
  for (int i = 0; i < COUNT(builtins); i++) {
    struct value *v = new_value(Builtin), *name = intern(builtins[i].name, strlen(builtins[i].name));
    v->call = builtins[i].call;
    globals = cons(cons(name, v), globals);
  }
  for (int i = 0; i < COUNT(library); i++)
    run(library[i]);
  for (int i = 0; i < COUNT(programs); i++)
    run(programs[i]); // interns all symbols, so that the mark below is behind them
  int mark = heap_used;
  for (int round = 0; round < rounds; round++)
    for (int i = 0; i < COUNT(programs); i++) {
      struct value *result = run(programs[i]);
      errors += !result;
      if (round == 0)
        result ? print(result) : (void)printf("error: %s", error_text), printf("\n");
      heap_used = mark;
    }
  printf("%d rounds, %d errors, %d symbols\n", rounds, errors, symbol_count);
  return 0;
}
